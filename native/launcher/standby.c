/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A standby: a process that has loaded everything and forks when it is asked to (src/standby).
 * There is one for each kind of surroundings, in a directory of its own:
 *
 *   /run/mvas-standby/<surroundings>/         locked (flock) as long as its standby lives
 *   /run/mvas-standby/<surroundings>/socket   there once the standby serves
 *
 * What a launcher and a fork say to each other is in start.c and served.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"

#define ROOT "/run/mvas-standby"
/* A standby that does not answer for so long is done without, and ended if it hangs. */
#define ANSWER_MS 2000
/* How long a new one may take until it serves. */
#define BOOT_MS 5000
#define POLL_MS 2
/* How long a new one waits for the command that starts it. */
#define WAIT_MS 1000
#define LOCK_FD 3
/* Room in the standby's argument list for those of a fork. */
#define ARGUMENT_ROOM 4096
#define MAX_WORDS 16

void name_standby(struct standby *standby, uint64_t surroundings)
{
	*standby = (struct standby){ .lock = -1, .address.sun_family = AF_UNIX };
	snprintf(standby->directory, sizeof(standby->directory), ROOT "/%016lx", surroundings);
	snprintf(standby->address.sun_path, sizeof(standby->address.sun_path), "%s/socket",
		 standby->directory);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int dial(const struct standby *standby)
{
	const struct timeval limit = { ANSWER_MS / 1000, ANSWER_MS % 1000 * 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&standby->address, sizeof(standby->address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A directory that only we may write to. */
static int make_directory(const char *path)
{
	struct stat stat;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -1;
	return lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode) && stat.st_uid == geteuid() &&
			       (stat.st_mode & 077) == 0
		       ? 0
		       : -1;
}

/* Locks the standby's directory, so that we may start the next one; -1 if it is locked. */
static int lock_directory(struct standby *standby)
{
	struct stat locked, named;
	int fd;

	if (make_directory(ROOT) < 0 || make_directory(standby->directory) < 0)
		return -1;
	fd = open(standby->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* A standby that ends removes its directory while it holds the lock. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &locked) == 0 &&
	    stat(standby->directory, &named) == 0 && locked.st_ino == named.st_ino) {
		standby->lock = fd;
		return 0;
	}
	close(fd);
	return -1;
}

/* As for a daemon: a little more likely to be killed for lack of memory than containerd. */
static void raise_oom_score(void)
{
	static struct content content;
	static const char path[] = "/proc/self/oom_score_adj";
	int score, fd;

	if (read_file(path, &content) < 0)
		return;
	score = atoi(content.text) + 1;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	dprintf(fd, "%d", score > 1000 ? 1000 : score);
	close(fd);
}

/* Until a process has ended, or WAIT_MS. */
static void wait_for(pid_t pid)
{
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };

	if (end.fd < 0)
		return;
	poll(&end, 1, WAIT_MS);
	close(end.fd);
}

/* In the child: becomes the standby. It holds nothing of ours but the lock. */
static void become_standby(const struct install *install, const struct standby *standby,
			   const struct program *program, pid_t starter)
{
	static char room[ARGUMENT_ROOM + 1];
	const char *list[MAX_WORDS] = { program->name, "--no-warnings" };
	const char **next = list + 2;
	int null = open("/dev/null", O_RDWR);

	memset(room, ' ', ARGUMENT_ROOM);
	for (const char *const *flag = program->flags; *flag; flag++)
		*next++ = *flag;
	*next++ = install->entry;
	for (const char *const *word = program->words; *word; word++)
		*next++ = *word;
	*next++ = room;
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (standby->lock == LOCK_FD)
		fcntl(LOCK_FD, F_SETFD, 0);
	else
		dup2(standby->lock, LOCK_FD);
	close_range(LOCK_FD + 1, ~0u, 0);
	setsid();
	if (program->is_for_daemons)
		raise_oom_score();
	if (chdir("/") == 0) {
		if (program->waits)
			wait_for(starter);
		execve(install->node, (char **)list, program->environment);
	}
	_exit(1);
}

static int start_standby(const struct install *install, struct standby *standby,
			 const struct program *program)
{
	pid_t self = getpid();

	unlink(standby->address.sun_path); /* of one that was killed */
	standby->child = fork();
	if (standby->child == 0)
		become_standby(install, standby, program, self);
	close(standby->lock);
	standby->lock = -1;
	return standby->child < 0 ? -1 : 0;
}

int leave_standby(const struct install *install, struct standby *standby,
		  const struct program *program)
{
	return lock_directory(standby) == 0 ? start_standby(install, standby, program) : -1;
}

int reach(const struct install *install, struct standby *standby, const struct program *program)
{
	const struct timespec pause = { 0, POLL_MS * 1000000 };
	long deadline = now_ms() + BOOT_MS;
	int fd;

	while ((fd = dial(standby)) < 0 && now_ms() < deadline) {
		if (standby->child == 0) {
			if (lock_directory(standby) == 0 &&
			    start_standby(install, standby, program) < 0)
				return -1;
		} else if (waitpid(standby->child, NULL, WNOHANG) != 0) {
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

int receive(int fd, void *bytes, size_t length)
{
	ssize_t got;

	errno = 0;
	for (size_t done = 0; done < length; done += (size_t)got) {
		got = recv(fd, (char *)bytes + done, length - done, 0);
		if (got <= 0)
			return -1;
	}
	return 0;
}

void look_at_peer(int fd, struct activity *activity)
{
	static struct content content;
	struct ucred peer;
	socklen_t length = sizeof(peer);
	char path[32];

	*activity = (struct activity){ .pid = 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || peer.pid <= 1)
		return;
	activity->pid = peer.pid;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", peer.pid);
	if (read_file(path, &content) == 0 && content.length < sizeof(activity->times))
		memcpy(activity->times, content.text, content.length + 1);
}

void retire(int fd, const struct activity *before)
{
	struct activity now;

	look_at_peer(fd, &now);
	if (now.pid != 0 && strcmp(now.times, before->times) == 0)
		kill(now.pid, SIGKILL);
}
