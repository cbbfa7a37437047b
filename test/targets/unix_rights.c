/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors in flight (SCM_RIGHTS) in streams, packets and datagrams: of files that are open elsewhere and of
 * files that only a queue has; several at once; where a stream is cut.
 * @needs: none
 * @expect: restore
 */
#include "unix_rights.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static void expect_text(const char *what, int fd, const char *text)
{
	char got[64] = "";
	CHECK_EQ(what, strlen(text), read(fd, got, sizeof(got)));
	CHECK_STR(what, text, got);
}

int main(void)
{
	int stream[2], packets[2], datagrams[2], gate[2], ours[2], many[MOST_RIGHTS];
	char text[16] = "";
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets));
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams));
	MUST(pipe(gate));
	MUST(pipe(ours));
	int file = MUST(open("/data/sent", O_RDWR | O_CREAT | O_APPEND, 0600));
	CHECK_EQ("write", 6, write(file, "inside", 6));

	/* A stream: looks end behind each piece that has descriptors, and may begin before it. */
	CHECK_EQ("send", 3, send(stream[0], "abc", 3, 0));
	give(stream[0], "de", gate[1]);
	CHECK_EQ("send", 1, send(stream[0], "f", 1, 0));
	send_fds(stream[0], "g", 1, (int[]){file, ours[0]}, 2);
	close(file);
	static char large[36001];
	memset(large, 'L', 36000);
	int event = MUST(eventfd(5, EFD_NONBLOCK));
	give(stream[0], large, event);

	/* Packets: one with the most that there can be, all the same; an empty one. */
	for (int i = 0; i < MOST_RIGHTS; i++) many[i] = ours[1];
	send_fds(packets[0], "many", 4, many, MOST_RIGHTS);
	int timer = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	MUST(timerfd_settime(timer, 0, &(struct itimerspec){.it_value = {1000, 0}}, NULL));
	give(packets[0], "timer", timer);
	CHECK_EQ("send", 4, send(packets[0], "none", 4, 0));

	/* A datagram without data, an epoll instance that watches what is in flight itself, and standard output. */
	give(datagrams[0], "", MUST(dup(ours[0])));
	int pair[2], watch = MUST(epoll_create1(0));
	MUST(pipe(pair));
	MUST(epoll_ctl(watch, EPOLL_CTL_ADD, pair[0], &(struct epoll_event){.events = EPOLLIN, .data.u64 = 77}));
	give(datagrams[0], "watched", pair[0]);
	give(datagrams[0], "epoll", watch);
	give(datagrams[0], "writer", pair[1]);
	send_fds(datagrams[0], "out", 3, (int[]){1}, 1);

	ready_and_wait();

	int got[MOST_RIGHTS];
	take_fds(stream[1], 2, "ab", NULL, 0);
	take_fds(stream[1], 1, "c", NULL, 0);
	take_fds(stream[1], 1, "d", got, 1);
	CHECK_EQ("write", 4, write(got[0], "pipe", 4));
	expect_text("through the pipe", gate[0], "pipe");
	take_fds(stream[1], 64, "efg", got, 2);
	CHECK_EQ("position", 6, lseek(got[0], 0, SEEK_CUR));
	CHECK(fcntl(got[0], F_GETFL) & O_APPEND, "flags");
	CHECK_EQ("pread", 6, pread(got[0], text, 6, 0));
	CHECK_STR("of the file", "inside", text);
	check_same("pipe that is open here", got[1], ours[0]);
	take_fds(stream[1], 50000, large, got, 1);
	uint64_t count = 0;
	CHECK_EQ("read", 8, read(got[0], &count, 8));
	CHECK_EQ("eventfd", 5, count);
	CHECK(recv(stream[1], text, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "no more");

	take_fds(packets[1], 64, "many", got, MOST_RIGHTS);
	check_same("first of many", got[0], ours[1]);
	check_same("last of many", got[MOST_RIGHTS - 1], ours[1]);
	timer = take(packets[1], "timer");
	struct itimerspec left;
	MUST(timerfd_gettime(timer, &left));
	CHECK(left.it_value.tv_sec > 900 && left.it_value.tv_sec <= 1000, "time left");
	take_fds(packets[1], 64, "none", NULL, 0);

	check_same("in an empty datagram", take(datagrams[1], ""), ours[0]);
	int reader = take(datagrams[1], "watched");
	watch = take(datagrams[1], "epoll");
	int writer = take(datagrams[1], "writer");
	struct epoll_event ready;
	CHECK_EQ("nothing to read", 0, epoll_wait(watch, &ready, 1, 0));
	CHECK_EQ("write", 1, write(writer, "w", 1));
	CHECK_EQ("to read", 1, epoll_wait(watch, &ready, 1, 0));
	CHECK_EQ("data of epoll", 77, ready.data.u64);
	expect_text("watched", reader, "w");
	check_same("standard output", take(datagrams[1], "out"), 1);
	pass();
}
