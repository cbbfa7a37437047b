/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owner and mode of what has no file of its own: a pipe that was given away,
 * and one of a process that is not root, which opens it again by /proc/self/fd;
 * a socket; a terminal.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>
#include <sys/stat.h>

static void check(const char *what, int fd, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat status;
	MUST(fstat(fd, &status));
	CHECK_EQ(what, uid, status.st_uid);
	CHECK_EQ(what, gid, status.st_gid);
	CHECK_EQ(what, mode, status.st_mode & 07777);
}

int main(void)
{
	int given[2], own[2], master, slave, plain, changed;
	char path[64];
	MUST(pipe(given));
	MUST(fchown(given[0], 7, 8));
	MUST(fchmod(given[0], 0620));
	plain = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	changed = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	MUST(fchown(changed, 9, 0));
	MUST(fchmod(changed, 0600));
	master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
	MUST(unlockpt(master));
	slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	MUST(fchown(slave, 3, 5));
	MUST(fchmod(slave, 0602));
	MUST(setresgid(1000, 1000, 1000));
	MUST(setresuid(1000, 1000, 1000));
	MUST(pipe(own));

	ready_and_wait();

	check("pipe", given[0], 7, 8, 0620);
	check("pipe of its own", own[1], 1000, 1000, 0600);
	check("new socket", plain, 0, 0, 0777);
	check("changed socket", changed, 9, 0, 0600);
	check("terminal", slave, 3, 5, 0602);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", own[1]);
	int again = open(path, O_WRONLY);
	if (again == -1)
		FAIL("open its own pipe again: %s", strerror(errno));
	CHECK_EQ("write", 1, write(again, "x", 1));
	CHECK_EQ("read", 1, read(own[0], path, 1));
	pass();
}
