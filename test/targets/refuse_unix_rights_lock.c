/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file in flight, open nowhere else, that holds a lock.
 * @needs: none
 * @expect: refuse waits in its queue .SCM_RIGHTS. and holds a lock
 */
#include "unix_rights.h"
#include <sys/file.h>

int main(void)
{
	int pair[2], file = MUST(open("/data/locked", O_RDWR | O_CREAT, 0600));
	MUST(flock(file, LOCK_EX));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	give(pair[0], "lock", file);

	ready_and_wait();

	file = MUST(open("/data/locked", O_RDWR));
	CHECK(flock(file, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK, "locked");
	close(take(pair[1], "lock"));
	MUST(flock(file, LOCK_EX | LOCK_NB));
	pass();
}
