/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of pairs of unix sockets whose other end is closed: datagrams and packets that it left unread are
 * still there, and a stream whose other end did not read everything says so once.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>
#include <sys/un.h>

static void make_pair(int type, int pair[2])
{
	MUST(socketpair(AF_UNIX, type, 0, pair));
	CHECK_EQ("send", 3, send(pair[1], "end", 3, 0));
	if (type == SOCK_STREAM) CHECK_EQ("send", 7, send(pair[0], "ignored", 7, 0));
	close(pair[1]);
}

static void check_connection(int fd, int is_reset)
{
	char text[16] = "";
	CHECK_EQ("unread", 3, recv(fd, text, sizeof(text), MSG_DONTWAIT));
	CHECK_STR("unread", "end", text);
	if (is_reset) CHECK(recv(fd, text, sizeof(text), MSG_DONTWAIT) == -1 && errno == ECONNRESET, "reset");
	CHECK_EQ("the end", 0, recv(fd, text, sizeof(text), MSG_DONTWAIT));
	CHECK(send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "broken pipe");
}

int main(void)
{
	int pair[2], stream[2], packets[2];
	struct sockaddr_un name;
	socklen_t length = sizeof(name);
	char text[16] = "";
	make_pair(SOCK_STREAM, stream);
	make_pair(SOCK_SEQPACKET, packets);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	CHECK_EQ("send", 5, send(pair[1], "first", 5, 0));
	CHECK_EQ("send", 0, send(pair[1], "", 0, 0));
	CHECK_EQ("send", 4, send(pair[1], "last", 4, 0));
	close(pair[1]);

	ready_and_wait();

	check_connection(stream[0], 1);
	check_connection(packets[0], 0);
	MUST(getpeername(pair[0], (struct sockaddr *)&name, &length));
	CHECK_EQ("first message", 5, recv(pair[0], text, sizeof(text), MSG_DONTWAIT));
	CHECK_STR("first message", "first", text);
	CHECK_EQ("empty message", 0, recv(pair[0], text, sizeof(text), MSG_DONTWAIT));
	CHECK_EQ("last message", 4, recv(pair[0], text, sizeof(text), MSG_DONTWAIT));
	CHECK(memcmp(text, "last", 4) == 0, "last message");
	CHECK(recv(pair[0], text, sizeof(text), MSG_DONTWAIT) == -1 && errno == EAGAIN, "no more");
	CHECK(send(pair[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == ECONNREFUSED, "nobody listens");
	pass();
}
