/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor in flight that can be opened only when queues are filled already: a pidfd.
 * @needs: none
 * @expect: refuse waits in its queue .SCM_RIGHTS. and cannot be restored there
 */
#include "unix_rights.h"
#include <sys/syscall.h>

int main(void)
{
	int pair[2];
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	give(pair[0], "self", MUST((int)syscall(SYS_pidfd_open, 1, 0)));

	ready_and_wait();

	take(pair[1], "self");
	pass();
}
