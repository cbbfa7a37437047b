/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases on a memfd and on a deleted file. They are refused before anything is opened that would break them.
 * @needs: none
 * @expect: refuse a lease \(F_SETLEASE\) on a removed file or a memfd cannot be restored; remedy: give it up
 */
#include "target.h"

int main(void)
{
	sigset_t broken;
	char path[64];
	int made = MUST(memfd_create("memory", 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", made);
	int memory = MUST(open(path, O_RDWR));
	close(made);
	int deleted = MUST(open("/data/deleted", O_RDWR | O_CREAT | O_EXCL, 0600));
	MUST(unlink("/data/deleted"));
	sigemptyset(&broken);
	sigaddset(&broken, SIGIO);
	MUST(sigprocmask(SIG_BLOCK, &broken, NULL));
	MUST(fcntl(memory, F_SETLEASE, F_WRLCK));
	MUST(fcntl(deleted, F_SETLEASE, F_WRLCK));

	ready_and_wait();

	MUST(sigpending(&broken));
	CHECK_EQ("signal that a lease is being broken", 0, sigismember(&broken, SIGIO));
	CHECK_EQ("lease", F_WRLCK, fcntl(memory, F_GETLEASE));
	CHECK_EQ("lease", F_WRLCK, fcntl(deleted, F_GETLEASE));
	pass();
}
