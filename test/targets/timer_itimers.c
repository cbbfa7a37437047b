/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three interval timers: remaining time goes on from where it was, intervals stay, signals come.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/time.h>

static volatile int fired[65];

static void handler(int signal)
{
	fired[signal]++;
}

/* In user mode, since the virtual timer counts no other time. */
static void burn(double length)
{
	double end = seconds(CLOCK_PROCESS_CPUTIME_ID) + length;
	while (seconds(CLOCK_PROCESS_CPUTIME_ID) < end)
		for (volatile int i = 0; i < 100000; i++) continue;
}

static void start(int which, double value, double interval)
{
	struct itimerval timer = {
		{(long)interval, (long)(interval * 1e6) % 1000000},
		{(long)value, (long)(value * 1e6) % 1000000},
	};
	MUST(setitimer(which, &timer, NULL));
}

static void check_left(const char *what, int which, double least, double most, double interval)
{
	struct itimerval timer;
	MUST(getitimer(which, &timer));
	double left = (double)timer.it_value.tv_sec + (double)timer.it_value.tv_usec / 1e6;
	double period = (double)timer.it_interval.tv_sec + (double)timer.it_interval.tv_usec / 1e6;
	if (left < least || left > most) FAIL("%s: %g left, not in %g..%g", what, left, least, most);
	if (period < interval - 0.005 || period > interval + 0.005)
		FAIL("%s: interval %g instead of %g", what, period, interval);
}

int main(void)
{
	signal(SIGALRM, handler);
	signal(SIGVTALRM, handler);
	signal(SIGPROF, handler);
	start(ITIMER_REAL, 600, 7.25);
	start(ITIMER_VIRTUAL, 100, 3);
	start(ITIMER_PROF, 200, 0);

	ready_and_wait();

	check_left("real", ITIMER_REAL, 500, 600, 7.25);
	check_left("virtual", ITIMER_VIRTUAL, 90, 100.1, 3);
	check_left("prof", ITIMER_PROF, 190, 200.1, 0);
	CHECK_EQ("no timer has fired", 0, fired[SIGALRM] + fired[SIGVTALRM] + fired[SIGPROF]);
	start(ITIMER_REAL, 0.02, 0);
	start(ITIMER_VIRTUAL, 0.02, 0.02);
	start(ITIMER_PROF, 0.02, 0);
	burn(0.3);
	CHECK_EQ("real fired", 1, fired[SIGALRM]);
	CHECK(fired[SIGVTALRM] >= 2, "virtual fired again and again");
	CHECK_EQ("prof fired", 1, fired[SIGPROF]);
	pass();
}
