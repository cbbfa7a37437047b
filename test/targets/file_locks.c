/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks: flock shared and exclusive, POSIX record locks, locks of open file descriptions.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/file.h>

static struct flock record(short type, off_t start, off_t length)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static void expect_lock(int fd, off_t start, off_t length, short type, pid_t pid)
{
	struct flock lock = record(F_WRLCK, start, length);
	MUST(fcntl(fd, F_GETLK, &lock));
	CHECK_EQ("type of a lock", type, lock.l_type);
	if (type != F_UNLCK) CHECK_EQ("owner of a lock", pid, lock.l_pid);
}

/* Sees the locks of PID 1 from outside; has one of its own. */
static void child(void *arg)
{
	(void)arg;
	int fd = MUST(open("/data/records", O_RDWR)), flocked = MUST(open("/data/flocked", O_RDWR));
	int common = MUST(open("/data/common", O_RDWR));
	struct flock own = record(F_WRLCK, 1000, 100);
	MUST(fcntl(fd, F_SETLK, &own));
	arrived();
	wait_for_go();
	expect_lock(fd, 0, 10, F_WRLCK, 1);
	expect_lock(fd, 10, 10, F_UNLCK, 0);
	expect_lock(fd, 20, 10, F_RDLCK, 1);
	expect_lock(fd, 2000, 0, F_WRLCK, 1);
	CHECK(flock(flocked, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK, "exclusive flock");
	CHECK(flock(common, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK, "shared flock");
	MUST(flock(common, LOCK_SH | LOCK_NB));
	int described = MUST(open("/data/described", O_RDWR));
	struct flock wish = record(F_WRLCK, 5, 5);
	CHECK(fcntl(described, F_OFD_SETLK, &wish) == -1 && errno == EAGAIN, "lock of an open file");
}

static int make(const char *path)
{
	return MUST(open(path, O_RDWR | O_CREAT, 0600));
}

int main(void)
{
	int records = make("/data/records"), flocked = make("/data/flocked"), common = make("/data/common");
	int described = make("/data/described");
	struct flock locks[3] = {record(F_WRLCK, 0, 10), record(F_RDLCK, 20, 10), record(F_WRLCK, 2000, 0)};
	struct flock ofd = record(F_WRLCK, 0, 10);
	for (int i = 0; i < 3; i++) MUST(fcntl(records, F_SETLK, &locks[i]));
	MUST(flock(flocked, LOCK_EX));
	MUST(flock(common, LOCK_SH));
	MUST(fcntl(described, F_OFD_SETLK, &ofd));
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	expect_lock(records, 1000, 100, F_WRLCK, pid);
	finish(pid);
	expect_lock(records, 1000, 100, F_UNLCK, 0);
	MUST(flock(flocked, LOCK_UN));
	int other = MUST(open("/data/flocked", O_RDWR));
	MUST(flock(other, LOCK_EX | LOCK_NB));
	pass();
}
