/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peek offsets (SO_PEEK_OFF) of unix and UDP sockets, with and without unread data.
 * @needs: none
 * @expect: restore
 */
#include "inet.h"

#ifndef SO_PEEK_OFF
#define SO_PEEK_OFF 42
#endif

static int pair_of(int type, const char *data, int offset)
{
	int pair[2];
	MUST(socketpair(AF_UNIX, type, 0, pair));
	if (data) CHECK_EQ("send", strlen(data), send(pair[1], data, strlen(data), 0));
	set_option(pair[0], SOL_SOCKET, SO_PEEK_OFF, offset);
	return pair[0];
}

static void expect(int fd, int flags, const char *expected)
{
	char text[64] = "";
	CHECK_EQ("recv", strlen(expected), recv(fd, text, sizeof(text) - 1, flags | MSG_DONTWAIT));
	CHECK_STR("data", expected, text);
}

static void expect_offset(int fd, int expected)
{
	CHECK_EQ("SO_PEEK_OFF", expected, get_option(fd, SOL_SOCKET, SO_PEEK_OFF));
}

int main(void)
{
	static char large[100000];
	int size = 1 << 20, big[2];
	int stream = pair_of(SOCK_STREAM, "stream data", 7), plain = pair_of(SOCK_STREAM, "plain", -1);
	int datagram = pair_of(SOCK_DGRAM, "datagram", 4), packet = pair_of(SOCK_SEQPACKET, "packet", 0);
	int empty = pair_of(SOCK_STREAM, NULL, 3), none = pair_of(SOCK_DGRAM, NULL, -1);
	int udp = bound(AF_INET, SOCK_DGRAM, 7111);
	set_option(udp, SOL_SOCKET, SO_PEEK_OFF, 9);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, big));
	set_option(big[1], SOL_SOCKET, SO_SNDBUF, size);
	fill(large, sizeof(large), 5);
	for (int at = 0; at < (int)sizeof(large); at += 1000)
		CHECK_EQ("send", 1000, send(big[1], large + at, 1000, MSG_DONTWAIT));

	ready_and_wait();

	expect_offset(stream, 7);
	expect_offset(plain, -1);
	expect_offset(datagram, 4);
	expect_offset(packet, 0);
	expect_offset(empty, 3);
	expect_offset(none, -1);
	expect_offset(udp, 9);
	expect_offset(big[0], -1);
	expect(stream, MSG_PEEK, "data");
	expect(datagram, MSG_PEEK, "gram");
	expect(packet, MSG_PEEK, "packet");
	expect(plain, MSG_PEEK, "plain");
	expect(plain, MSG_PEEK, "plain");
	expect(stream, 0, "stream data");
	expect(datagram, 0, "datagram");
	memset(large, 0, sizeof(large));
	CHECK_EQ("recv", sizeof(large), recv(big[0], large, sizeof(large), MSG_WAITALL));
	check_fill("a large queue", large, sizeof(large), 5);
	pass();
}
