/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `start` of a container whose group has a daemon, as clones of one fork and containers of one pod
 * have: the same questions as in src/shim/group.ts, and its answer. Where no daemon answers, one
 * has to be made. test/unit/shim/launcher compares the two.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher.h"

#define SOCKETS "/run/containerd/s"

static struct content content;

bool has_daemon(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	bool is_there;
	int probe;

	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	strcpy(address.sun_path, path);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	is_there = connect(probe, (struct sockaddr *)&address, sizeof(address)) == 0 ||
		   errno == EAGAIN; /* Too many others wait to be accepted. */
	close(probe);
	return is_there;
}

/*
 * Whether what containerd has written to our stdin can tell of another directory for sockets: that
 * is said by BootstrapParams that name this container, and by nothing else.
 */
static bool may_name_directory(const char *id)
{
	static char input[MAX_INPUT];
	ssize_t length = read_input(input, sizeof(input));

	return length < 0 || memmem(input, (size_t)length, id, strlen(id)) != NULL;
}

/* The socket of a group's daemon: src/common/daemon-socket.ts. */
static int name_socket(char *path, const struct args *args, const char *group)
{
	char identity[MAX_PATH], digest[65];
	int length = snprintf(identity, sizeof(identity), "mvas:%s/%s/%s", args->address,
			      args->namespace, group);

	if (!is_plain(args->address) || length >= (int)sizeof(identity))
		return -1;
	sha256_hex(digest, identity);
	sprintf(path, SOCKETS "/%s", digest);
	return 0;
}

/* Replaces a file of the bundle, which is our working directory. */
static int write_address(const char *address)
{
	int fd = open("address.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t length = (ssize_t)strlen(address);
	bool is_written = fd >= 0 && write(fd, address, (size_t)length) == length;

	if (fd >= 0)
		close(fd);
	return is_written ? rename("address.tmp", "address") : -1;
}

int answer_start(const struct args *args)
{
	const char *protocol = getenv("MVAS_PROTOCOL");
	char group[MAX_IDENTIFIER + 1], address[128] = SCHEME;
	char *path = address + strlen(SCHEME);

	if ((protocol && *protocol) || read_file("config.json", &content) < 0 ||
	    strlen(content.text) != content.length || group_of(content.text, group) < 0 ||
	    name_socket(path, args, group) < 0 || !has_daemon(path) ||
	    may_name_directory(args->id) || write_address(address) < 0)
		return -1;
	return write(STDOUT_FILENO, address, strlen(address)) == (ssize_t)strlen(address) ? 0 : -1;
}
