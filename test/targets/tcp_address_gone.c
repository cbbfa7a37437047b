/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections within the container over an address of its own, which a restored one does not have: both ends
 * of these end, and a connection over the loopback address goes on.
 * @needs: cap:NET_ADMIN
 * @expect: restore
 */
#include "inet.h"

#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>

#define PIECE 65536

static unsigned char piece[PIECE], got[PIECE];

static union address own_address(unsigned short port)
{
	union address a = {.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
	a.v4.sin_addr.s_addr = htonl(0x0a4d4d4d); /* 10.77.77.77 */
	return a;
}

static void add_address(int any_socket)
{
	struct ifreq request = {.ifr_name = "lo:1"};
	union address own = own_address(0);
	memcpy(&request.ifr_addr, &own.any, sizeof(request.ifr_addr));
	MUST(ioctl(any_socket, SIOCSIFADDR, &request));
}

static int has_address(void)
{
	union address own = own_address(0);
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	int result = bind(fd, &own.any, sizeof(own.v4));
	close(fd);
	return result == 0;
}

static void connect_both(const union address *to, int *client, int *server)
{
	int listener = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(bind(listener, &to->any, sizeof(to->v4)));
	MUST(listen(listener, 1));
	*client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(*client, &to->any, sizeof(to->v4)));
	*server = MUST(accept(listener, NULL, NULL));
	close(listener);
}

static size_t send_until_full(int fd)
{
	size_t sent = 0;
	for (;;) {
		for (size_t i = 0; i < PIECE; i++) piece[i] = pattern_byte(sent + i, 5);
		ssize_t n = send(fd, piece, PIECE, MSG_DONTWAIT);
		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		CHECK_EQ("full", EAGAIN, errno);
		if (poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 100) == 0) return sent;
	}
}

/* Returns how much there was until the end or an error; at most `most`. */
static size_t receive_most(int fd, size_t most)
{
	size_t taken = 0;
	while (taken < most) {
		ssize_t n = recv(fd, got, PIECE, 0);
		if (n == -1) {
			CHECK_EQ("read", ECONNRESET, errno);
			return taken;
		}
		CHECK(n > 0, "no end");
		for (ssize_t i = 0; i < n; i++) CHECK(got[i] == pattern_byte(taken + (size_t)i, 5), "content");
		taken += (size_t)n;
	}
	return taken;
}

static void talk(int from, int to)
{
	CHECK_EQ("send", 1, send(from, "x", 1, 0));
	CHECK_EQ("recv", 1, recv(to, got, 1, 0));
}

int main(void)
{
	int quiet[2], full[2], here[2];
	union address at = own_address(7501), there = own_address(7502), local = loopback(AF_INET, 7503);
	add_address(MUST(socket(AF_INET, SOCK_DGRAM, 0)));
	connect_both(&at, &quiet[0], &quiet[1]);
	connect_both(&there, &full[0], &full[1]);
	connect_both(&local, &here[0], &here[1]);
	size_t sent = send_until_full(full[0]);

	ready_and_wait();

	talk(here[0], here[1]);
	talk(here[1], here[0]);
	if (has_address()) {
		CHECK_EQ("all", sent, receive_most(full[1], sent));
		for (int i = 0; i < 2; i++) {
			talk(quiet[i], quiet[!i]);
			talk(full[i], full[!i]);
		}
		pass();
	}
	size_t taken = receive_most(full[1], sent);
	CHECK(taken > 0 && taken < sent, "some of it");
	CHECK(send(full[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == ECONNRESET, "write");
	for (int i = 0; i < 2; i++)
		CHECK(recv(quiet[i], got, 1, 0) == -1 && errno == ECONNRESET, "reset");
	pass();
}
