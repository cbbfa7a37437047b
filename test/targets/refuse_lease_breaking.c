/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lease that somebody else wants broken.
 * @needs: none
 * @expect: refuse its lease \(F_SETLEASE\) is being broken; remedy: try again
 */
#include "target.h"

int main(void)
{
	sigset_t broken;
	int fd = MUST(open("/data/file", O_RDWR | O_CREAT, 0600));

	sigemptyset(&broken);
	sigaddset(&broken, SIGIO);
	MUST(sigprocmask(SIG_BLOCK, &broken, NULL));
	MUST(fcntl(fd, F_SETLEASE, F_WRLCK));
	CHECK(open("/data/file", O_RDONLY | O_NONBLOCK) == -1 && errno == EWOULDBLOCK, "refused");

	ready_and_wait();

	CHECK_EQ("the lease that it is to become", F_RDLCK, fcntl(fd, F_GETLEASE));
	MUST(fcntl(fd, F_SETLEASE, F_UNLCK));
	pass();
}
