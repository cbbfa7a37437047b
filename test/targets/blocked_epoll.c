/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocked in epoll_wait and epoll_pwait. The kernel never restarts these after a stop (signal(7)), so
 * EINTR is allowed, and anything else is not.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/epoll.h>

static int gate[2];

static void waiter(void *arg)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788};
	int poller = MUST(epoll_create1(0)), n;
	sigset_t mask;
	sigemptyset(&mask);
	MUST(epoll_ctl(poller, EPOLL_CTL_ADD, gate[0], &event));
	memset(&event, 0, sizeof(event));
	arrived();
	do {
		n = arg ? epoll_pwait(poller, &event, 1, -1, &mask) : epoll_wait(poller, &event, 1, 600000);
	} while (n == -1 && errno == EINTR);
	CHECK_EQ("epoll_wait", 1, n);
	CHECK_EQ("events", EPOLLIN, event.events);
	CHECK_EQ("data", 0x1122334455667788, event.data.u64);
}

int main(void)
{
	MUST(pipe(gate));
	pid_t plain = spawn(waiter, NULL), masked = spawn(waiter, "mask");

	ready_and_wait();

	if (write(gate[1], "w", 1) != 1) FAIL("write");
	expect_exit(plain, 0);
	expect_exit(masked, 0);
	pass();
}
