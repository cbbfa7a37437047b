/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX timers: ids with gaps, notification by signal, to a thread, and none; intervals, remaining time,
 * a disarmed one, clocks; and that an armed one fires.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/syscall.h>

/* The kernel's own ids: the C library's timer_t hides them. */
static int create(clockid_t clock, int notify, int signal, long value)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal};
	int id = -1;
	event.sigev_value.sival_ptr = (void *)value;
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	MUST(syscall(SYS_timer_create, clock, &event, &id));
	return id;
}

static void arm(int id, long value, long interval_ms)
{
	struct itimerspec spec = {{interval_ms / 1000, interval_ms % 1000 * 1000000}, {value, 0}};
	MUST(syscall(SYS_timer_settime, id, 0, &spec, NULL));
}

static void check_armed(int id, long value, long interval_ms)
{
	struct itimerspec spec;
	MUST(syscall(SYS_timer_gettime, id, &spec));
	CHECK_EQ("interval", interval_ms, spec.it_interval.tv_sec * 1000 + spec.it_interval.tv_nsec / 1000000);
	if (value == 0) CHECK(spec.it_value.tv_sec == 0 && spec.it_value.tv_nsec == 0, "disarmed");
	else CHECK(spec.it_value.tv_sec > value - 100 && spec.it_value.tv_sec <= value, "time left");
}

static siginfo_t expect_fire(int id, int signal)
{
	sigset_t set;
	siginfo_t info;
	struct timespec limit = {60, 0};
	struct itimerspec soon = {{0, 0}, {0, 1000000}};
	sigemptyset(&set);
	sigaddset(&set, signal);
	MUST(syscall(SYS_timer_settime, id, 0, &soon, NULL));
	CHECK_EQ("timer signal", signal, sigtimedwait(&set, &info, &limit));
	CHECK_EQ("si_code", SI_TIMER, info.si_code);
	CHECK_EQ("si_timerid", id, info.si_timerid);
	return info;
}

int main(void)
{
	int ids[8];
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 8; i++) ids[i] = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 1, 100 + i);
	for (int i = 0; i < 8; i++)
		if (i != 2 && i != 5) MUST(syscall(SYS_timer_delete, ids[i]));
	int thread = create(CLOCK_REALTIME, SIGEV_THREAD_ID | SIGEV_SIGNAL, SIGRTMIN + 2, 9);
	int silent = create(CLOCK_BOOTTIME, SIGEV_NONE, 0, 0);
	int cpu = create(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGRTMIN + 1, 55);
	arm(ids[2], 1000, 2500);
	arm(thread, 700, 0);
	arm(silent, 800, 40);
	arm(cpu, 300, 0);

	ready_and_wait();

	check_armed(ids[2], 1000, 2500);
	check_armed(ids[5], 0, 0);
	check_armed(thread, 700, 0);
	check_armed(silent, 800, 40);
	check_armed(cpu, 300, 0);
	struct itimerspec spec;
	CHECK(syscall(SYS_timer_gettime, ids[3], &spec) == -1 && errno == EINVAL, "a deleted timer is gone");
	siginfo_t info = expect_fire(ids[5], SIGRTMIN + 1);
	CHECK_EQ("value", 105, (long)info.si_value.sival_ptr);
	info = expect_fire(thread, SIGRTMIN + 2);
	CHECK_EQ("value", 9, (long)info.si_value.sival_ptr);
	expect_fire(ids[2], SIGRTMIN + 1);
	int next = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
	CHECK(next != ids[2] && next != ids[5] && next != thread && next != silent && next != cpu,
	      "a new timer gets a new id");
	pass();
}
