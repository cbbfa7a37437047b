/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfds of processes that have been reaped: of one that exited, twice, of one that a signal has killed. All are
 * readable and refer to no process, and the kernel still tells how the processes ended where it can.
 * @needs: kernel>=5.4
 * @expect: restore
 */
#include "target.h"
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct info {
	uint64_t mask;
	uint64_t cgroup;
	uint32_t ids[11];
	int32_t status;
};

#define GET_INFO _IOWR(0xff, 11, struct info)
#define INFO_EXIT 8

static void exits(void *arg)
{
	(void)arg;
	arrived();
	_exit(7);
}

static void is_killed(void *arg)
{
	(void)arg;
	arrived();
	raise(SIGKILL);
}

static int pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)MUST(syscall(SYS_pidfd_open, pid, flags));
}

/* The status of a reaped process; -1 where the kernel does not tell it. */
static int status_of(int pidfd)
{
	struct info info = {.mask = INFO_EXIT};

	if (ioctl(pidfd, GET_INFO, &info) == -1 || !(info.mask & INFO_EXIT)) return -1;
	return info.status;
}

static ino_t inode_of(int fd)
{
	struct stat status;

	MUST(fstat(fd, &status));
	return status.st_ino;
}

static void check(int pidfd)
{
	struct pollfd poller = {pidfd, POLLIN, 0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	CHECK_EQ("pid of the pidfd", -1, atoi(status_field(path, "Pid")));
	CHECK_EQ("poll", 1, poll(&poller, 1, 0));
	CHECK(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == -1 && errno == ESRCH,
	      "nobody is there to be signalled");
}

int main(void)
{
	pid_t exiting = spawn(exits, NULL), killed = spawn(is_killed, NULL);
	int first = pidfd_open(exiting, 0), second = pidfd_open(exiting, O_NONBLOCK);
	int other = pidfd_open(killed, 0);
	int known[2], is_one = inode_of(first) == inode_of(second);
	int is_same = inode_of(first) == inode_of(other);

	MUST(waitpid(exiting, NULL, 0));
	MUST(waitpid(killed, NULL, 0));
	known[0] = status_of(first);
	known[1] = status_of(other);

	ready_and_wait();

	check(first);
	check(second);
	check(other);
	CHECK_EQ("status of who exited", known[0], status_of(first));
	CHECK_EQ("status of who was killed", known[1], status_of(other));
	CHECK_EQ("flags", O_NONBLOCK, fcntl(second, F_GETFL) & O_NONBLOCK);
	CHECK_EQ("inode of two of one process", is_one, inode_of(first) == inode_of(second));
	CHECK_EQ("inode of two processes", is_same, inode_of(first) == inode_of(other));
	CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "there are no children");
	pass();
}
