/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timerfd: relative, absolute, with interval, with unread ticks, disarmed, shared between descriptors.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <poll.h>
#include <stdint.h>
#include <sys/timerfd.h>

static int create(clockid_t clock, int flags, double value, double interval)
{
	struct itimerspec spec = {
		{(long)interval, (long)(interval * 1e9) % 1000000000},
		{(long)value, (long)(value * 1e9) % 1000000000},
	};
	int fd = MUST(timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC));
	MUST(timerfd_settime(fd, flags, &spec, NULL));
	return fd;
}

static void check_left(const char *what, int fd, long least, long most, long interval)
{
	struct itimerspec spec;
	MUST(timerfd_gettime(fd, &spec));
	if (spec.it_value.tv_sec < least || spec.it_value.tv_sec > most)
		FAIL("%s: %ld s left, not in %ld..%ld", what, spec.it_value.tv_sec, least, most);
	CHECK_EQ(what, interval, spec.it_interval.tv_sec);
}

static uint64_t ticks(int fd)
{
	uint64_t count = 0;
	ssize_t n = read(fd, &count, sizeof(count));
	if (n == -1 && errno == EAGAIN) return 0;
	CHECK_EQ("read of a timerfd", sizeof(count), n);
	return count;
}

static void wait_readable(int fd)
{
	struct pollfd poller = {fd, POLLIN, 0};
	int n;
	while ((n = poll(&poller, 1, 60000)) == -1 && errno == EINTR) continue;
	CHECK_EQ("poll", 1, n);
}

int main(void)
{
	int far = create(CLOCK_MONOTONIC, 0, 500, 33);
	int absolute = create(CLOCK_REALTIME, TFD_TIMER_ABSTIME, seconds(CLOCK_REALTIME) + 900, 0);
	int boot = create(CLOCK_BOOTTIME, TFD_TIMER_ABSTIME, seconds(CLOCK_BOOTTIME) + 400, 0);
	int unread = create(CLOCK_MONOTONIC, 0, 0.01, 0);
	int ticking = create(CLOCK_MONOTONIC, 0, 0.05, 0.05);
	int soon = create(CLOCK_MONOTONIC, TFD_TIMER_ABSTIME, seconds(CLOCK_MONOTONIC) + 2, 0);
	int disarmed = create(CLOCK_MONOTONIC, 0, 0, 0), twin = dup(far);
	wait_readable(unread);

	ready_and_wait();

	check_left("relative", far, 400, 500, 33);
	check_left("absolute realtime", absolute, 800, 900, 0);
	check_left("absolute boottime", boot, 300, 400, 0);
	check_left("disarmed", disarmed, 0, 0, 0);
	CHECK_EQ("no tick of the far one", 0, ticks(far));
	CHECK_EQ("one unread tick", 1, ticks(unread));
	wait_readable(ticking);
	CHECK(ticks(ticking) >= 1, "ticks of the interval");
	wait_readable(ticking);
	wait_readable(soon);
	CHECK_EQ("the absolute one ticked once", 1, ticks(soon));
	MUST(timerfd_settime(far, 0, &(struct itimerspec){{0, 0}, {50, 0}}, NULL));
	check_left("seen through the duplicate", twin, 40, 50, 0);
	CHECK_EQ("close on exec", FD_CLOEXEC, fcntl(far, F_GETFD));
	CHECK_EQ("the duplicate has none", 0, fcntl(twin, F_GETFD));
	pass();
}
