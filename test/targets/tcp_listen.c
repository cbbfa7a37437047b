/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening TCP sockets, IPv4 and IPv6, with options; bound but not listening; neither; all work afterwards.
 * @needs: none
 * @expect: restore
 */
#include "inet.h"

#include <poll.h>

static void exercise(int server, int family, unsigned short port)
{
	char text[8] = "";
	int client = MUST(socket(family, SOCK_STREAM, 0));
	join(client, family, port);
	/* The client may know of the connection first. */
	CHECK_EQ("a connection", 1, poll(&(struct pollfd){server, POLLIN, 0}, 1, 60000));
	int accepted = MUST(accept4(server, NULL, NULL, 0));
	CHECK_EQ("send", 3, send(client, "tcp", 3, 0));
	CHECK_EQ("recv", 3, recv(accepted, text, 3, 0));
	CHECK_STR("content", "tcp", text);
	close(client);
	close(accepted);
}

int main(void)
{
	union address any = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(7003)}};
	int v4 = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	union address at = loopback(AF_INET, 7001);
	set_option(v4, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(v4, SOL_SOCKET, SO_REUSEPORT, 1);
	set_option(v4, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(v4, SOL_SOCKET, SO_RCVBUF, 50000);
	set_option(v4, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(v4, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set_option(v4, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
	MUST(bind(v4, &at.any, length_of(&at)));
	MUST(listen(v4, 17));
	int v6 = bound(AF_INET6, SOCK_STREAM, 7002);
	MUST(listen(v6, 5));
	int v6_only = MUST(socket(AF_INET6, SOCK_STREAM, 0));
	set_option(v6_only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	MUST(bind(v6_only, &any.any, sizeof(any.v6)));
	MUST(listen(v6_only, 5));
	int unheard = bound(AF_INET, SOCK_STREAM, 7004), fresh = MUST(socket(AF_INET, SOCK_STREAM, 0));
	int buffer = get_option(v4, SOL_SOCKET, SO_RCVBUF);

	ready_and_wait();

	CHECK(accept(v4, NULL, NULL) == -1 && errno == EAGAIN, "not blocking, no connection");
	CHECK_EQ("close on exec", FD_CLOEXEC, fcntl(v4, F_GETFD));
	CHECK_EQ("SO_REUSEADDR", 1, get_option(v4, SOL_SOCKET, SO_REUSEADDR));
	CHECK_EQ("SO_REUSEPORT", 1, get_option(v4, SOL_SOCKET, SO_REUSEPORT));
	CHECK_EQ("SO_KEEPALIVE", 1, get_option(v4, SOL_SOCKET, SO_KEEPALIVE));
	CHECK_EQ("SO_RCVBUF", buffer, get_option(v4, SOL_SOCKET, SO_RCVBUF));
	CHECK_EQ("TCP_NODELAY", 1, get_option(v4, IPPROTO_TCP, TCP_NODELAY));
	CHECK_EQ("TCP_KEEPIDLE", 77, get_option(v4, IPPROTO_TCP, TCP_KEEPIDLE));
	CHECK_EQ("port", 7001, port_of(v4));
	CHECK_EQ("IPV6_V6ONLY", 1, get_option(v6_only, IPPROTO_IPV6, IPV6_V6ONLY));
	exercise(v4, AF_INET, 7001);
	exercise(v6, AF_INET6, 7002);
	exercise(v6_only, AF_INET6, 7003);
	int probe = MUST(socket(AF_INET, SOCK_STREAM, 0));
	at = loopback(AF_INET, 7003);
	CHECK(connect(probe, &at.any, length_of(&at)) == -1 && errno == ECONNREFUSED, "IPv6 only");
	CHECK_EQ("port of the bound", 7004, port_of(unheard));
	MUST(listen(unheard, 1));
	join(fresh, AF_INET, 7004);
	pass();
}
