/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections that wait to be accepted, and whose clients have sent something: a little, in pieces, more than the other end has
 * room for, and the end behind it. They are accepted in their order, beside one that has sent nothing.
 * @needs: none
 * @expect: restore
 * @blind: refuse waits to be accepted, with data that cannot be read before
 */
#include "inet.h"

#define MUCH 3000000
#define CLIENTS 4

static char content[MUCH], got[MUCH];

static void check_content(int fd, const char *expected, size_t length, const char *what)
{
	CHECK_EQ(what, (long)length, recv(fd, got, length, MSG_WAITALL));
	CHECK(memcmp(got, expected, length) == 0, what);
}

int main(void)
{
	for (int i = 0; i < MUCH; i++) content[i] = (char)(i * 7 + i / 251);
	int server = bound(AF_INET, SOCK_STREAM, 7203), clients[CLIENTS];
	MUST(listen(server, CLIENTS));
	for (int i = 0; i < CLIENTS; i++) {
		usleep(20000); /* their order is told by the kernel's clock */
		clients[i] = MUST(socket(AF_INET, SOCK_STREAM, 0));
		join(clients[i], AF_INET, 7203);
	}
	CHECK_EQ("send", 5, send(clients[0], "early", 5, 0));
	usleep(1000);
	CHECK_EQ("send", 6, send(clients[0], " piece", 6, 0));
	MUST(fcntl(clients[2], F_SETFL, O_NONBLOCK));
	long much = 0, count;
	while (much < MUCH && (count = send(clients[2], content + much, MUCH - much, 0)) > 0) much += count;
	CHECK(much > 100000, "more than a little");
	CHECK_EQ("send", 70000, send(clients[3], content, 70000, 0));
	MUST(shutdown(clients[3], SHUT_WR));
	usleep(20000);

	ready_and_wait();

	CHECK_EQ("send", 5, send(clients[0], " more", 5, 0));
	int fd = MUST(accept(server, NULL, NULL));
	check_content(fd, "early piece more", 16, "text");
	CHECK_EQ("send", 4, send(fd, "late", 4, 0));
	check_content(clients[0], "late", 4, "back");

	fd = MUST(accept(server, NULL, NULL));
	CHECK(recv(fd, got, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "nothing");
	CHECK_EQ("send", 1, send(clients[1], "x", 1, 0));
	check_content(fd, "x", 1, "byte");

	fd = MUST(accept(server, NULL, NULL));
	check_content(fd, content, much, "much");
	CHECK_EQ("send", 1, send(clients[2], "y", 1, 0));
	check_content(fd, "y", 1, "byte");

	fd = MUST(accept(server, NULL, NULL));
	check_content(fd, content, 70000, "before the end");
	CHECK_EQ("the end", 0, recv(fd, got, 1, 0));
	pass();
}
