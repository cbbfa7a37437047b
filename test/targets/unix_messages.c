/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix datagram and seqpacket sockets: message boundaries in the queue, empty messages, bound and
 * unbound senders, one connected by address.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>
#include <sys/un.h>

static const struct sockaddr_un server = {AF_UNIX, "/tmp/server"}, sender = {AF_UNIX, "/tmp/sender"};

#define ADDRESS(a) (const struct sockaddr *)(a), sizeof(struct sockaddr_un)

static void expect_message(int fd, const char *expected)
{
	char text[64] = "";
	ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
	CHECK_EQ("length of a message", strlen(expected), n);
	CHECK_STR("message", expected, text);
}

static void put(int fd, const char *text)
{
	CHECK_EQ("send", strlen(text), send(fd, text, strlen(text), 0));
}

static void exercise_pair(const int *pair)
{
	expect_message(pair[1], "one");
	expect_message(pair[1], "");
	expect_message(pair[1], "three");
	expect_message(pair[0], "back");
	CHECK(recv(pair[1], &(char){0}, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "no more messages");
	put(pair[1], "works");
	expect_message(pair[0], "works");
}

int main(void)
{
	int datagram[2], packet[2];
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagram));
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packet));
	int bound = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), named = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	int connected = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	put(datagram[0], "one");
	MUST(send(datagram[0], "", 0, 0));
	put(datagram[0], "three");
	put(datagram[1], "back");
	put(packet[0], "one");
	MUST(send(packet[0], "", 0, 0));
	put(packet[0], "three");
	put(packet[1], "back");
	MUST(bind(bound, ADDRESS(&server)));
	MUST(bind(named, ADDRESS(&sender)));
	MUST(connect(connected, ADDRESS(&server)));
	put(connected, "queued");

	ready_and_wait();

	exercise_pair(datagram);
	exercise_pair(packet);
	expect_message(bound, "queued");
	put(connected, "connected");
	expect_message(bound, "connected");
	MUST(sendto(named, "signed", 6, 0, ADDRESS(&server)));
	struct sockaddr_un from = {0};
	socklen_t length = sizeof(from);
	char text[16] = "";
	CHECK_EQ("recvfrom", 6, recvfrom(bound, text, sizeof(text), 0, (struct sockaddr *)&from, &length));
	CHECK_STR("sender", "/tmp/sender", from.sun_path);
	MUST(sendto(bound, "reply", 5, 0, (struct sockaddr *)&from, length));
	expect_message(named, "reply");
	pass();
}
