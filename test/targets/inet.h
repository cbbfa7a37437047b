/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the loopback interface, for the targets of the internet families. */
#ifndef INET_H
#define INET_H

#include "target.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union address loopback(int family, unsigned short port)
{
	union address a = {.any = {.sa_family = (sa_family_t)family}};
	if (family == AF_INET) {
		a.v4.sin_port = htons(port);
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		a.v6.sin6_port = htons(port);
		a.v6.sin6_addr = in6addr_loopback;
	}
	return a;
}

static socklen_t length_of(const union address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static int bound(int family, int type, unsigned short port)
{
	union address a = loopback(family, port);
	int fd = MUST(socket(family, type, 0));
	MUST(bind(fd, &a.any, length_of(&a)));
	return fd;
}

static void join(int fd, int family, unsigned short port)
{
	union address a = loopback(family, port);
	MUST(connect(fd, &a.any, length_of(&a)));
}

static unsigned short port_of(int fd)
{
	union address a;
	socklen_t length = sizeof(a);
	MUST(getsockname(fd, &a.any, &length));
	return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

static void set_option(int fd, int level, int name, int value)
{
	MUST(setsockopt(fd, level, name, &value, sizeof(value)));
}

static int get_option(int fd, int level, int name)
{
	int value = 0;
	socklen_t length = sizeof(value);
	MUST(getsockopt(fd, level, name, &value, &length));
	return value;
}

#endif
