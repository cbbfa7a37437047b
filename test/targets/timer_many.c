/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers that expire one after the other, some while the container stands still: each signals once,
 * none is lost. Their signals are blocked.
 * @needs: none
 * @expect: restore
 * @varies: ShdPnd rest
 */
#include "target.h"
#include <sys/syscall.h>

#define TIMERS 1000
#define APART_NS 8000000l

static void start(int number)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	long after = APART_NS * (number + 1);
	struct itimerspec spec = {{0, 0}, {after / 1000000000, after % 1000000000}};
	int id = -1;
	event.sigev_value.sival_int = number;
	MUST(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
	MUST(syscall(SYS_timer_settime, id, 0, &spec, NULL));
}

int main(void)
{
	static int signals[TIMERS];
	struct timespec patience = {20, 0};
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < TIMERS; i++) start(i);

	ready_and_wait();

	for (int i = 0; i < TIMERS; i++) {
		if (sigtimedwait(&set, &info, &patience) < 0) FAIL("%d of the signals are lost", TIMERS - i);
		signals[info.si_value.sival_int]++;
	}
	for (int i = 0; i < TIMERS; i++) CHECK_EQ("signals of a timer", 1, signals[i]);
	CHECK_EQ("no other", -1, sigtimedwait(&set, &info, &(struct timespec){0, 0}));
	pass();
}
