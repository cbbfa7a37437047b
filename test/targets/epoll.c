/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll: interests in descriptors of many kinds with their data and modes; one-shot used and unused; edge
 * triggered; a nested epoll; a descriptor closed while its duplicate is watched.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int poller;

static void watch(int epoll, int fd, unsigned events, unsigned long long data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

/* The events of one datum among those ready now, 0 when it is not ready. */
static unsigned ready_events(unsigned long long data)
{
	struct epoll_event events[32];
	int n;
	while ((n = epoll_wait(poller, events, 32, 0)) == -1 && errno == EINTR) continue;
	for (int i = 0; i < n; i++)
		if (events[i].data.u64 == data) return events[i].events;
	return 0;
}

int main(void)
{
	int gate[2], edge[2], pair[2], again = MUST(eventfd(1, 0)), used = MUST(eventfd(1, 0));
	int timer = MUST(timerfd_create(CLOCK_MONOTONIC, 0)), quiet = MUST(eventfd(0, 0));
	struct itimerspec soon = {{0, 0}, {0, 1000000}};
	poller = MUST(epoll_create1(EPOLL_CLOEXEC));
	MUST(pipe(gate));
	MUST(pipe(edge));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	int inner = MUST(epoll_create1(0)), copy = MUST(dup(quiet));
	watch(poller, gate[0], EPOLLIN, 0x1111111111111111);
	watch(poller, gate[1], EPOLLOUT | EPOLLET, 0x2222);
	watch(poller, pair[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP, 0x3333);
	watch(poller, used, EPOLLIN | EPOLLONESHOT, 0x4444);
	CHECK_EQ("one-shot event", EPOLLIN, ready_events(0x4444));
	watch(poller, again, EPOLLIN | EPOLLONESHOT, 0x5555);
	watch(poller, timer, EPOLLIN, 0x6666);
	watch(inner, copy, EPOLLIN, 0x8888);
	watch(poller, inner, EPOLLIN, 0x7777);
	watch(poller, edge[0], EPOLLIN | EPOLLET, 0x9999);
	close(quiet);

	ready_and_wait();

	CHECK_EQ("close on exec", FD_CLOEXEC, fcntl(poller, F_GETFD));
	CHECK_EQ("an unused one-shot fires", EPOLLIN, ready_events(0x5555));
	CHECK_EQ("but once", 0, ready_events(0x5555));
	CHECK_EQ("a used one-shot stays off", 0, ready_events(0x4444));
	CHECK_EQ("empty pipe", 0, ready_events(0x1111111111111111));
	CHECK_EQ("writable socket", EPOLLOUT, ready_events(0x3333));
	CHECK_EQ("write", 1, write(gate[1], "x", 1));
	CHECK_EQ("readable pipe", EPOLLIN, ready_events(0x1111111111111111));
	CHECK_EQ("level triggered: again", EPOLLIN, ready_events(0x1111111111111111));
	CHECK_EQ("write", 1, write(edge[1], "x", 1));
	CHECK_EQ("edge triggered", EPOLLIN, ready_events(0x9999));
	CHECK_EQ("edge triggered: not again", 0, ready_events(0x9999));
	close(pair[1]);
	CHECK_EQ("closed peer", EPOLLRDHUP, ready_events(0x3333) & EPOLLRDHUP);
	MUST(timerfd_settime(timer, 0, &soon, NULL));
	while (ready_events(0x6666) == 0) usleep(1000);
	MUST(eventfd_write(copy, 1));
	CHECK_EQ("the epoll within", EPOLLIN, ready_events(0x7777));
	MUST(epoll_ctl(poller, EPOLL_CTL_DEL, gate[0], NULL));
	CHECK_EQ("no longer watched", 0, ready_events(0x1111111111111111));
	pass();
}
