/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `start` by a standby (src/shim/standby):
 *
 * Request:  u32 length of the rest, u32 length of stdin, stdin, then NUL-terminated: the working
 *           directory, the arguments.
 * Answer:   u32 length, what `start` is to print. No answer: nothing was promised, and Node
 * decides.
 *
 * Whatever happens half-way: the lock on the daemons' directory and the name of the group's socket
 * decide who the daemon is (src/shim/group.ts), whichever way it was started.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher.h"

#define MAX_MESSAGE (1 << 20)

ssize_t read_input(char *bytes, size_t room)
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

/* Puts the request together; its length, or -1 when there is too much of it. */
static ssize_t make_request(char *request, int argc, char **argv)
{
	const size_t head = 2 * sizeof(uint32_t);
	ssize_t input = read_input(request + head, MAX_INPUT);
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

/* Sends the request and prints the answer; errno is EAGAIN when none came in time. */
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

int start_by_standby(const struct install *install, int argc, char **argv)
{
	static const char *const flags[] = {
		/* What a fork needs: it has no thread but the one that forks. */
		"--single-threaded", "--v8-pool-size=1",
		/* That one would optimize, too. Rehearsals switch it on. */
		"--no-opt",
		/* MiB: a restore allocates this much. Less would be collected in the middle
		 * of it; more, a daemon would keep. */
		"--min-semi-space-size=4", "--max-semi-space-size=4", NULL
	};
	const char *wish = getenv("MVAS_STANDBY");
	static char request[MAX_MESSAGE];
	struct standby standby;
	struct activity before;
	ssize_t length;
	int fd, result;

	if (wish && strcmp(wish, "0") == 0)
		return -1;
	name_standby(&standby, surroundings(install, environ));
	const char *const words[] = { "-socket", standby.directory, "standby", NULL };
	const struct program program = { .name = SHIM,
					 .flags = flags,
					 .words = words,
					 .environment = environ,
					 .is_for_daemons = true };
	length = make_request(request, argc, argv);
	fd = length < 0 ? -1 : reach(install, &standby, &program);
	if (fd < 0)
		return -1;
	look_at_peer(fd, &before);
	result = exchange(fd, request, (size_t)length);
	if (result < 0 && errno == EAGAIN)
		retire(fd, &before);
	close(fd);
	return result;
}
