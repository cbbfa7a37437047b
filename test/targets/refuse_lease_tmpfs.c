/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lease on a file of a tmpfs that is open only for writing.
 * @needs: none
 * @expect: refuse tmpfs /tmp: file has a lease for writing \(F_SETLEASE\), and cannot be read; remedy: give it up
 */
#include "target.h"

int main(void)
{
	int fd = MUST(open("/tmp/file", O_WRONLY | O_CREAT | O_EXCL, 0600));

	MUST(fcntl(fd, F_SETLEASE, F_WRLCK));

	ready_and_wait();

	CHECK_EQ("lease", F_WRLCK, fcntl(fd, F_GETLEASE));
	pass();
}
