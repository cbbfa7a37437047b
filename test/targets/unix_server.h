/* SPDX-License-Identifier: Apache-2.0 */
/* Servers and clients of unix sockets. */
#ifndef UNIX_SERVER_H
#define UNIX_SERVER_H

#include "target.h"
#include <sys/socket.h>
#include <sys/un.h>

#define UNIX_BACKLOG 5

/* A socket that listens, from which accept(2) does not wait. */
static int server_of(const struct sockaddr_un *address, int type)
{
	int fd = MUST(socket(AF_UNIX, type | SOCK_NONBLOCK, 0));
	MUST(bind(fd, (const struct sockaddr *)address, sizeof(*address)));
	MUST(listen(fd, UNIX_BACKLOG));
	return fd;
}

static int client_of(const struct sockaddr_un *address, int type)
{
	int fd = MUST(socket(AF_UNIX, type, 0));
	MUST(connect(fd, (const struct sockaddr *)address, sizeof(*address)));
	return fd;
}

#endif
