/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of Multipath TCP, which Go's listeners are by default: listening, bound, and neither; they take
 * connections of both kinds afterwards, and are still what they were.
 * @needs: none
 * @expect: restore
 */
#include "inet.h"

#include <poll.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int multipath(int family, int flags)
{
	return MUST(socket(family, SOCK_STREAM | flags, IPPROTO_MPTCP));
}

static void exercise(int server, int family, int protocol, unsigned short port)
{
	char text[8] = "";
	int client = MUST(socket(family, SOCK_STREAM, protocol));
	join(client, family, port);
	CHECK_EQ("a connection", 1, poll(&(struct pollfd){server, POLLIN, 0}, 1, 60000));
	int accepted = MUST(accept4(server, NULL, NULL, 0));
	CHECK_EQ("protocol of the connection", protocol, get_option(accepted, SOL_SOCKET, SO_PROTOCOL));
	CHECK_EQ("send", 3, send(client, "tcp", 3, 0));
	CHECK_EQ("recv", 3, recv(accepted, text, 3, 0));
	CHECK_STR("content", "tcp", text);
	close(client);
	close(accepted);
}

int main(void)
{
	int probe = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	if (probe < 0) SKIP("the kernel has no MPTCP");
	close(probe);
	union address at = loopback(AF_INET, 7001), any = loopback(AF_INET6, 7002), other = loopback(AF_INET, 7003);
	int v4 = multipath(AF_INET, SOCK_NONBLOCK | SOCK_CLOEXEC), v6 = multipath(AF_INET6, 0);
	set_option(v4, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(v4, SOL_SOCKET, SO_KEEPALIVE, 1);
	MUST(bind(v4, &at.any, length_of(&at)));
	MUST(listen(v4, 17));
	MUST(bind(v6, &any.any, length_of(&any)));
	MUST(listen(v6, 5));
	int unheard = multipath(AF_INET, 0), fresh = multipath(AF_INET, 0);
	MUST(bind(unheard, &other.any, length_of(&other)));

	ready_and_wait();

	CHECK(accept(v4, NULL, NULL) == -1 && errno == EAGAIN, "not blocking, no connection");
	CHECK_EQ("close on exec", FD_CLOEXEC, fcntl(v4, F_GETFD));
	CHECK_EQ("SO_REUSEADDR", 1, get_option(v4, SOL_SOCKET, SO_REUSEADDR));
	CHECK_EQ("SO_KEEPALIVE", 1, get_option(v4, SOL_SOCKET, SO_KEEPALIVE));
	CHECK_EQ("protocol", IPPROTO_MPTCP, get_option(v4, SOL_SOCKET, SO_PROTOCOL));
	CHECK_EQ("port", 7001, port_of(v4));
	exercise(v4, AF_INET, IPPROTO_TCP, 7001);
	exercise(v4, AF_INET, IPPROTO_MPTCP, 7001);
	exercise(v6, AF_INET6, IPPROTO_TCP, 7002);
	exercise(v6, AF_INET6, IPPROTO_MPTCP, 7002);
	CHECK_EQ("port of the bound", 7003, port_of(unheard));
	MUST(listen(unheard, 1));
	join(fresh, AF_INET, 7003);
	pass();
}
