/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that opener.c opens. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define must(call) must_(call, #call)

static int must_(long result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		exit(1);
	}
	return (int)result;
}

static struct sockaddr_un name_of(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	return name;
}

static int bound(int type, const char *path)
{
	int fd = must(socket(AF_UNIX, type, 0));
	struct sockaddr_un name = name_of(path);

	must(bind(fd, (struct sockaddr *)&name, (socklen_t)(2 + strlen(path) + 1)));
	return fd;
}

static void connect_to(int fd, const char *path)
{
	struct sockaddr_un name = name_of(path);

	must(connect(fd, (struct sockaddr *)&name, (socklen_t)(2 + strlen(path) + 1)));
}

static void unix_sockets(const char *directory)
{
	struct sockaddr_un hidden = { .sun_family = AF_UNIX, .sun_path = "\0mvas-opener" };
	char path[100];
	int pair[2], fd, size = 100000, on = 1;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
	must(write(pair[0], "to the second", 13));
	must(write(pair[1], "to the first", 12));
	must(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	must(send(pair[0], "one", 3, 0));
	must(send(pair[0], "three", 5, 0));
	must(shutdown(pair[1], SHUT_WR));
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	must(send(pair[0], "datagram", 8, 0));
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must(send(pair[0], "farewell", 8, 0));
	close(pair[0]);
	snprintf(path, sizeof(path), "%s/listening", directory);
	fd = bound(SOCK_STREAM, path);
	must(chmod(path, 0606));
	must(listen(fd, 17));
	connect_to(must(socket(AF_UNIX, SOCK_STREAM, 0)), path);
	must(send(must(accept(fd, NULL, NULL)), "from the server", 15, 0));
	fd = bound(SOCK_DGRAM, "relative");
	connect_to(must(socket(AF_UNIX, SOCK_DGRAM, 0)), "relative");
	must(send(fd + 1, "by name", 7, 0));
	fd = must(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	must(bind(fd, (struct sockaddr *)&hidden, 14));
	must(listen(fd, 1));
	snprintf(path, sizeof(path), "%s/removed", directory);
	must(listen(bound(SOCK_STREAM, path), 3));
	must(unlink(path));
	must(listen(bound(SOCK_STREAM, path), 4));
	fd = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	must(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	must(setegid(12));
	must(seteuid(11));
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must(seteuid(0));
	must(setegid(0));
}

/* What is left of a connection that both sides have closed. */
static void ended_connection(void)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(four);
	struct tcp_info info = { 0 };
	int listening = must(socket(AF_INET, SOCK_STREAM, 0));
	int client = must(socket(AF_INET, SOCK_STREAM, 0));
	int accepted;
	char byte;

	must(bind(listening, (struct sockaddr *)&four, sizeof(four)));
	must(listen(listening, 1));
	must(getsockname(listening, (struct sockaddr *)&four, &length));
	must(connect(client, (struct sockaddr *)&four, sizeof(four)));
	accepted = must(accept(listening, 0, 0));
	must(close(client));
	must(read(accepted, &byte, 1));
	must(shutdown(accepted, SHUT_WR));
	for (length = sizeof(info); info.tcpi_state != TCP_CLOSE; usleep(1000))
		must(getsockopt(accepted, IPPROTO_TCP, TCP_INFO, &info, &length));
}

static void inet_sockets(void)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_nl link = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct linger linger = { 1, 9 };
	struct timeval time = { 5, 250000 };
	int fd, on = 1, value = 33, size = 50000;
	socklen_t length = sizeof(four);

	fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	must(setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, sizeof(value)));
	must(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)));
	must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	must(bind(fd, (struct sockaddr *)&four, sizeof(four)));
	must(listen(fd, 99));
	fd = must(socket(AF_INET6, SOCK_STREAM, 0));
	must(setsockopt(fd, IPPROTO_IPV6, 26, &on, sizeof(on)));
	must(bind(fd, (struct sockaddr *)&six, sizeof(six)));
	must(listen(fd, 5));
	must(socket(AF_INET, SOCK_STREAM, 0));
	fd = must(socket(AF_INET, SOCK_DGRAM, 0));
	must(bind(fd, (struct sockaddr *)&four, sizeof(four)));
	must(getsockname(fd, (struct sockaddr *)&four, &length));
	must(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
	fd = must(socket(AF_INET, SOCK_DGRAM, 0));
	must(setsockopt(fd, IPPROTO_IP, IP_TOS, &(int){ 8 }, sizeof(int)));
	must(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)));
	must(connect(fd, (struct sockaddr *)&four, sizeof(four)));
	must(bind(must(socket(AF_NETLINK, SOCK_RAW, 0)), (struct sockaddr *)&link, sizeof(link)));
	ended_connection();
}
