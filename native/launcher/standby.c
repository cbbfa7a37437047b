/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `start` by the standby: a shim that has loaded everything and forks a daemon on request
 * (src/shim/standby). There is one for each kind of surroundings, in a directory of its own:
 *
 *   /run/mvas-standby/<surroundings>/         locked (flock) as long as its standby lives
 *   /run/mvas-standby/<surroundings>/socket   there once the standby serves
 *
 * Request:  u32 length of the rest, u32 length of stdin, stdin, then NUL-terminated: the working
 *           directory, the arguments.
 * Answer:   u32 length, what `start` is to print. No answer: nothing was promised, and Node
 * decides.
 *
 * Whatever happens half-way: the lock on the daemons' directory and the name of the group's socket
 * decide which process is the daemon (src/shim/group.ts), however it was started.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"

#define ROOT "/run/mvas-standby"
#define MAX_MESSAGE (1 << 20)
/* A standby that does not answer for this long is ended. */
#define ANSWER_MS 2000
/* How long a new one may take until it serves. */
#define BOOT_MS 5000
#define POLL_MS 2
#define LOCK_FD 3
/* Room in the standby's argument list for the daemon's. */
#define ARGUMENT_ROOM 4096

struct standby {
	char directory[64];
	struct sockaddr_un address;
	int lock;    /* the directory, locked by us; -1 */
	pid_t child; /* the standby that we have started; 0 */
};

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A connection to the standby; -1 if none listens. */
static int dial(const struct standby *standby)
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

/* In the child: becomes the standby. It holds nothing of ours except the lock. */
static void become_standby(const struct install *install, const struct standby *standby)
{
	static char room[ARGUMENT_ROOM + 1];
	char *const list[] = {
		"containerd-shim-mvas-v1", "--no-warnings",
		/* Required for forks: the only thread is the one that forks. */
		"--single-threaded", "--v8-pool-size=1",
		/* V8's optimizer needs a thread, too; daemons do too little to gain from it. */
		"--no-opt",
		/* Returns unused memory sooner. */
		"--max-semi-space-size=2", (char *)install->entry, "-socket",
		(char *)standby->directory, "standby", room, NULL
	};
	int null = open("/dev/null", O_RDWR);

	memset(room, ' ', ARGUMENT_ROOM);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (standby->lock == LOCK_FD)
		fcntl(LOCK_FD, F_SETFD, 0);
	else
		dup2(standby->lock, LOCK_FD);
	close_range(LOCK_FD + 1, ~0u, 0);
	setsid();
	raise_oom_score();
	if (chdir("/") == 0)
		execv(install->node, list);
	_exit(1);
}

static int start_standby(const struct install *install, struct standby *standby)
{
	unlink(standby->address.sun_path); /* of one that was killed */
	standby->child = fork();
	if (standby->child == 0)
		become_standby(install, standby);
	close(standby->lock);
	standby->lock = -1;
	return standby->child < 0 ? -1 : 0;
}

/* Connects to the standby, and starts it if there is none; -1 if it does not come up. */
static int reach(const struct install *install, struct standby *standby)
{
	const struct timespec pause = { 0, POLL_MS * 1000000 };
	long deadline = now_ms() + BOOT_MS;
	int fd;

	while ((fd = dial(standby)) < 0 && now_ms() < deadline) {
		if (standby->child == 0) {
			if (lock_directory(standby) == 0 && start_standby(install, standby) < 0)
				return -1;
		} else if (waitpid(standby->child, NULL, WNOHANG) != 0) {
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* Reads all of stdin, and leaves a copy in its place. */
static ssize_t read_input(char *bytes, size_t room)
{
	int copy = memfd_create("stdin", 0);
	size_t length = 0;
	ssize_t got;

	if (copy < 0)
		return -1;
	while ((got = read(STDIN_FILENO, bytes + length, room - length)) > 0)
		length += (size_t)got;
	if (write(copy, bytes, length) != (ssize_t)length || lseek(copy, 0, SEEK_SET) != 0)
		return -1;
	dup2(copy, STDIN_FILENO);
	close(copy);
	return length < room ? (ssize_t)length : -1;
}

/* Assembles the request; returns its length, or -1 if it is too long. */
static ssize_t make_request(char *request, int argc, char **argv)
{
	const size_t head = 2 * sizeof(uint32_t), reserve = MAX_MESSAGE / 2;
	ssize_t input = read_input(request + head, MAX_MESSAGE - head - reserve);
	char *at = request + head + input, *end = request + MAX_MESSAGE;

	if (input < 0 || !getcwd(at, MAX_PATH))
		return -1;
	at += strlen(at) + 1;
	for (int i = 1; i < argc; i++) {
		size_t length = strlen(argv[i]) + 1;

		if (length > (size_t)(end - at))
			return -1;
		memcpy(at, argv[i], length);
		at += length;
	}
	((uint32_t *)request)[0] = (uint32_t)((size_t)(at - request) - sizeof(uint32_t));
	((uint32_t *)request)[1] = (uint32_t)input;
	return at - request;
}

static ssize_t receive(int fd, void *bytes, size_t length)
{
	ssize_t got;

	for (size_t done = 0; done < length; done += (size_t)got) {
		got = recv(fd, (char *)bytes + done, length - done, 0);
		if (got <= 0)
			return -1;
	}
	return (ssize_t)length;
}

/* Sends the request and prints the answer; errno is EAGAIN if none came in time. */
static int exchange(int fd, const char *request, size_t length)
{
	char answer[MAX_PATH];
	uint32_t size;

	errno = 0;
	if (send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length ||
	    receive(fd, &size, sizeof(size)) < 0 || size == 0 || size > sizeof(answer) ||
	    receive(fd, answer, size) < 0)
		return -1;
	return write(STDOUT_FILENO, answer, size) == (ssize_t)size ? 0 : -1;
}

/* Ends a standby that hangs, so that it delays no other start. Its daemons live on. */
static void retire(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 1)
		kill(peer.pid, SIGKILL);
}

int start_by_standby(const struct install *install, int argc, char **argv)
{
	struct standby standby = { .lock = -1, .address.sun_family = AF_UNIX };
	const char *wish = getenv("MVAS_STANDBY");
	static char request[MAX_MESSAGE];
	ssize_t length;
	int fd, result;

	if (wish && strcmp(wish, "0") == 0)
		return -1;
	snprintf(standby.directory, sizeof(standby.directory), ROOT "/%016lx",
		 surroundings(install));
	snprintf(standby.address.sun_path, sizeof(standby.address.sun_path), "%s/socket",
		 standby.directory);
	length = make_request(request, argc, argv);
	fd = length < 0 ? -1 : reach(install, &standby);
	if (fd < 0)
		return -1;
	result = exchange(fd, request, (size_t)length);
	if (result < 0 && errno == EAGAIN)
		retire(fd);
	close(fd);
	return result;
}
