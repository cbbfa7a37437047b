/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connected unix stream sockets: queued data both ways, half shut down, peer closed, options.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>

static int pair[2], other[2];

static void expect_read(int fd, const char *expected)
{
	char text[64] = "";
	CHECK_EQ("read", strlen(expected), read(fd, text, strlen(expected)));
	CHECK_STR("content", expected, text);
}

static void put(int fd, const char *text)
{
	CHECK_EQ("write", strlen(text), write(fd, text, strlen(text)));
}

static void child(void *arg)
{
	(void)arg;
	close(other[0]);
	arrived();
	wait_for_go();
	expect_read(other[1], "to the child");
	put(other[1], "from the child");
}

int main(void)
{
	int half[2], closed[2], dead[2], quiet[2], value;
	socklen_t length = sizeof(value);
	char byte;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, half));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, closed));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, dead));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, other));
	put(pair[0], "left to right");
	put(pair[1], "right to left, ");
	put(pair[1], "in two parts");
	put(half[0], "last words");
	MUST(shutdown(half[0], SHUT_WR));
	put(closed[1], "testament");
	close(closed[1]);
	close(dead[0]);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, quiet));
	MUST(setsockopt(quiet[0], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
	pid_t pid = spawn(child, NULL);
	close(other[1]);
	put(other[0], "to the child");

	ready_and_wait();

	expect_read(pair[1], "left to right");
	expect_read(pair[0], "right to left, in two parts");
	CHECK(recv(pair[0], &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "no more data");
	put(pair[0], "again");
	expect_read(pair[1], "again");
	expect_read(half[1], "last words");
	CHECK_EQ("end after the shutdown", 0, read(half[1], &byte, 1));
	CHECK(send(half[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "shut down for writing");
	put(half[1], "back");
	expect_read(half[0], "back");
	CHECK(read(half[0], &byte, 1) == -1 && errno == EAGAIN, "not blocking");
	expect_read(closed[0], "testament");
	CHECK_EQ("end of the closed", 0, read(closed[0], &byte, 1));
	CHECK_EQ("nothing from the dead", 0, read(dead[1], &byte, 1));
	MUST(getsockopt(quiet[0], SOL_SOCKET, SO_PASSCRED, &value, &length));
	CHECK_EQ("SO_PASSCRED", 1, value);
	MUST(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &length));
	CHECK_EQ("type", SOCK_STREAM, value);
	finish(pid);
	expect_read(other[0], "from the child");
	CHECK_EQ("end of the child's", 0, read(other[0], &byte, 1));
	pass();
}
