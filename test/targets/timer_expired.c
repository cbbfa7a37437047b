/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers with an interval that have expired while their signal was blocked, or were not read since: the kernel
 * arms them again when the signal is taken, or the timerfd read. ITIMER_REAL, a POSIX timer, a timerfd; and a
 * POSIX timer that signals nobody, whose signal number is invalid.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#define INTERVAL_US 50000
#define SET_TICKS _IOW('T', 0, uint64_t)

static const struct timespec patience = {20, 0};
static sigset_t alarms, ticks;

static void await_pending(int signal)
{
	sigset_t pending;
	do {
		usleep(1000);
		sigpending(&pending);
	} while (!sigismember(&pending, signal));
}

static void start_itimer(void)
{
	struct itimerval timer = {{0, INTERVAL_US}, {0, INTERVAL_US}};
	MUST(setitimer(ITIMER_REAL, &timer, NULL));
	await_pending(SIGALRM);
}

static void check_itimer(void)
{
	struct itimerval timer;
	MUST(getitimer(ITIMER_REAL, &timer));
	CHECK_EQ("interval in microseconds", INTERVAL_US, timer.it_interval.tv_usec);
	for (int tick = 1; tick <= 5; tick++)
		if (sigtimedwait(&alarms, NULL, &patience) != SIGALRM)
			FAIL("tick %d has not come: %s", tick, strerror(errno));
}

static int start_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec spec = {{0, 1000000}, {0, 1000000}};
	int id = -1;
	MUST(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
	MUST(syscall(SYS_timer_settime, id, 0, &spec, NULL));
	await_pending(SIGRTMIN);
	return id;
}

/* It counts the signals that it would have sent meanwhile. */
static void check_timer(int id)
{
	siginfo_t info;
	usleep(50000);
	CHECK_EQ("signal of the timer", SIGRTMIN, sigtimedwait(&ticks, &info, &patience));
	CHECK_EQ("si_code", SI_TIMER, info.si_code);
	CHECK_EQ("si_timerid", id, info.si_timerid);
	if (info.si_overrun < 40) FAIL("%d overruns in 50 ms", info.si_overrun);
	CHECK_EQ("the next one", SIGRTMIN, sigtimedwait(&ticks, &info, &patience));
}

static int start_timerfd(void)
{
	struct itimerspec spec = {{3600, 0}, {0, 1000000}};
	uint64_t unread = 1000;
	int fd = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	MUST(timerfd_settime(fd, 0, &spec, NULL));
	while (poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1) != 1) continue;
	MUST(ioctl(fd, SET_TICKS, &unread));
	return fd;
}

static void check_timerfd(int fd)
{
	uint64_t unread = 0;
	struct itimerspec spec;
	CHECK_EQ("read of the timerfd", sizeof(unread), read(fd, &unread, sizeof(unread)));
	CHECK_EQ("unread expirations", 1000, unread);
	MUST(timerfd_gettime(fd, &spec));
	CHECK_EQ("interval of the timerfd", 3600, spec.it_interval.tv_sec);
	CHECK(spec.it_value.tv_sec > 3000, "it runs again");
}

static int silent_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE, .sigev_signo = -12345};
	struct itimerspec spec = {{0, 0}, {1000, 0}};
	int id = -1;
	MUST(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
	MUST(syscall(SYS_timer_settime, id, 0, &spec, NULL));
	return id;
}

int main(void)
{
	struct itimerspec spec;
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigemptyset(&ticks);
	sigaddset(&ticks, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &alarms, NULL);
	sigprocmask(SIG_BLOCK, &ticks, NULL);
	start_itimer();
	int timer = start_timer(), fd = start_timerfd(), silent = silent_timer();

	ready_and_wait();

	check_itimer();
	check_timer(timer);
	check_timerfd(fd);
	MUST(syscall(SYS_timer_gettime, silent, &spec));
	CHECK(spec.it_value.tv_sec > 500, "the silent timer runs");
	pass();
}
