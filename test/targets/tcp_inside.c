/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections with both ends in the container: IPv4, IPv6, and both at once; with unread data and data that no
 * longer fits; closed by one side; with options, and watched by epoll. All go on.
 * @needs: none
 * @expect: restore
 */
#include "inet.h"

#include <poll.h>
#include <sys/epoll.h>

#define CONNECTIONS 8
#define PIECE 65536

struct connection {
	int client, server;
	unsigned short port;
	size_t sent, taken; /* by the client, of the server */
};

static struct connection all[CONNECTIONS];
static unsigned char piece[PIECE], got[PIECE];

static struct connection connected(int family, int listener, unsigned short port, int mapped)
{
	struct connection made = {.client = MUST(socket(family, SOCK_STREAM, 0))};
	if (mapped) {
		union address a = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
		a.v6.sin6_addr.s6_addr[10] = a.v6.sin6_addr.s6_addr[11] = 0xff;
		a.v6.sin6_addr.s6_addr[12] = 127;
		a.v6.sin6_addr.s6_addr[15] = 1;
		MUST(connect(made.client, &a.any, sizeof(a.v6)));
	} else {
		join(made.client, family, port);
	}
	made.server = MUST(accept(listener, NULL, NULL));
	made.port = port_of(made.client);
	return made;
}

/* Byte number `at` of a stream. */
static void fill_piece(size_t at, size_t length, unsigned seed)
{
	for (size_t i = 0; i < length; i++) piece[i] = pattern_byte(at + i, seed);
}

/* Sends until nothing more fits: then much is unread, and much is not even sent. */
static void send_until_full(struct connection *c, unsigned seed)
{
	for (;;) {
		fill_piece(c->sent, PIECE, seed);
		ssize_t n = send(c->client, piece, PIECE, MSG_DONTWAIT);
		if (n < 0) {
			CHECK_EQ("full", EAGAIN, errno);
			if (poll(&(struct pollfd){c->client, POLLOUT, 0}, 1, 100) == 0) return;
			continue;
		}
		c->sent += (size_t)n;
	}
}

static void receive_all(struct connection *c, unsigned seed)
{
	while (c->taken < c->sent) {
		ssize_t n = MUST(recv(c->server, got, PIECE, 0));
		CHECK(n > 0, "more to come");
		fill_piece(c->taken, (size_t)n, seed);
		CHECK(memcmp(got, piece, (size_t)n) == 0, "content");
		c->taken += (size_t)n;
	}
}

static void talk(int from, int to)
{
	char text[8] = "";
	CHECK_EQ("send", 4, send(from, "late", 4, 0));
	CHECK_EQ("recv", 4, recv(to, text, 4, MSG_WAITALL));
	CHECK_STR("content", "late", text);
}

static void check_addresses(const struct connection *c)
{
	union address peer;
	socklen_t length = sizeof(peer);
	CHECK_EQ("port", c->port, port_of(c->client));
	MUST(getpeername(c->server, &peer.any, &length));
	CHECK_EQ("port of the peer", c->port, ntohs(peer.v4.sin_port));
}

enum { QUIET, UNREAD, FULL, V6, MAPPED, V4_OF_V6, HALF_CLOSED, FULL_CLOSED };

int main(void)
{
	int v4 = bound(AF_INET, SOCK_STREAM, 7401), v6 = MUST(socket(AF_INET6, SOCK_STREAM, 0));
	union address any = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(7402)}};
	MUST(bind(v6, &any.any, sizeof(any.v6)));
	MUST(listen(v4, CONNECTIONS));
	MUST(listen(v6, CONNECTIONS));
	for (int i = 0; i < CONNECTIONS; i++) {
		int is_six = i == V6 || i == MAPPED;
		int to_six = is_six || i == V4_OF_V6;
		all[i] = connected(is_six ? AF_INET6 : AF_INET, to_six ? v6 : v4, to_six ? 7402 : 7401, i == MAPPED);
	}
	set_option(all[QUIET].client, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(all[QUIET].server, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(all[QUIET].server, IPPROTO_TCP, TCP_KEEPIDLE, 71);
	set_option(all[UNREAD].server, SOL_SOCKET, SO_RCVBUF, 300000);
	fill_piece(0, 5000, UNREAD);
	CHECK_EQ("send", 5000, send(all[UNREAD].client, piece, 5000, 0));
	all[UNREAD].sent = 5000;
	CHECK_EQ("arrived", 5000, recv(all[UNREAD].server, got, 5000, MSG_PEEK | MSG_WAITALL));
	send_until_full(&all[FULL], FULL);
	send_until_full(&all[FULL_CLOSED], FULL_CLOSED);
	MUST(shutdown(all[FULL_CLOSED].client, SHUT_WR));
	MUST(shutdown(all[HALF_CLOSED].client, SHUT_WR));
	CHECK_EQ("end", 1, poll(&(struct pollfd){all[HALF_CLOSED].server, POLLRDHUP, 0}, 1, 60000));
	int epoll = MUST(epoll_create1(0));
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = 77};
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, all[QUIET].server, &event));
	set_option(all[V6].client, SOL_SOCKET, SO_REUSEADDR, 1);
	MUST(fcntl(all[V6].client, F_SETFL, O_NONBLOCK));
	int buffer = get_option(all[UNREAD].server, SOL_SOCKET, SO_RCVBUF);
	int reuse = get_option(all[FULL].client, SOL_SOCKET, SO_REUSEADDR);

	ready_and_wait();

	for (int i = 0; i < CONNECTIONS; i++) check_addresses(&all[i]);
	CHECK_EQ("TCP_NODELAY", 1, get_option(all[QUIET].client, IPPROTO_TCP, TCP_NODELAY));
	CHECK_EQ("TCP_NODELAY", 0, get_option(all[QUIET].server, IPPROTO_TCP, TCP_NODELAY));
	CHECK_EQ("SO_KEEPALIVE", 1, get_option(all[QUIET].server, SOL_SOCKET, SO_KEEPALIVE));
	CHECK_EQ("TCP_KEEPIDLE", 71, get_option(all[QUIET].server, IPPROTO_TCP, TCP_KEEPIDLE));
	CHECK_EQ("SO_RCVBUF", buffer, get_option(all[UNREAD].server, SOL_SOCKET, SO_RCVBUF));
	CHECK_EQ("SO_REUSEADDR", reuse, get_option(all[FULL].client, SOL_SOCKET, SO_REUSEADDR));
	CHECK_EQ("SO_REUSEADDR", 1, get_option(all[V6].client, SOL_SOCKET, SO_REUSEADDR));
	CHECK(recv(all[V6].client, got, 1, 0) == -1 && errno == EAGAIN, "not blocking");
	CHECK_EQ("nothing unread", 0, epoll_wait(epoll, &event, 1, 0));
	talk(all[QUIET].client, all[QUIET].server);
	CHECK_EQ("more", 1, send(all[QUIET].client, "x", 1, 0));
	CHECK_EQ("watched", 1, epoll_wait(epoll, &event, 1, 60000));
	CHECK_EQ("data", 77, event.data.u32);
	CHECK_EQ("unread at once", 5000, recv(all[UNREAD].server, got, PIECE, MSG_PEEK | MSG_DONTWAIT));
	receive_all(&all[UNREAD], UNREAD);
	receive_all(&all[FULL], FULL);
	receive_all(&all[FULL_CLOSED], FULL_CLOSED);
	for (int i = HALF_CLOSED; i <= FULL_CLOSED; i++) {
		CHECK_EQ("the end of a stream", 0, recv(all[i].server, got, 1, 0));
		talk(all[i].server, all[i].client);
	}
	for (int i = UNREAD; i < HALF_CLOSED; i++) {
		talk(all[i].server, all[i].client);
		talk(all[i].client, all[i].server);
	}
	struct connection later = connected(AF_INET, v4, 7401, 0);
	talk(later.client, later.server);
	close(all[QUIET].client);
	CHECK_EQ("the rest", 1, recv(all[QUIET].server, got, PIECE, 0));
	CHECK_EQ("closed", 0, recv(all[QUIET].server, got, PIECE, 0));
	pass();
}
