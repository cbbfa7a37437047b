/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeps in flight, relative and absolute: they end by themselves, neither early nor with an error.
 * @needs: none
 * @expect: restore
 * @varies: state
 */
#include "target.h"

#define LENGTH 2

static double begin;

static void check_elapsed(void)
{
	double elapsed = seconds(CLOCK_MONOTONIC) - begin;
	CHECK(elapsed >= LENGTH - 0.01 && elapsed < LENGTH + 30, "length of the sleep");
}

static void relative(void *arg)
{
	struct timespec length = {LENGTH, 0};
	(void)arg;
	arrived();
	CHECK_EQ("nanosleep", 0, nanosleep(&length, NULL));
	check_elapsed();
}

static void absolute(void *arg)
{
	clockid_t clock = (clockid_t)(long)arg;
	struct timespec until;
	MUST(clock_gettime(clock, &until));
	until.tv_sec += LENGTH;
	arrived();
	CHECK_EQ("clock_nanosleep", 0, clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL));
	check_elapsed();
}

int main(void)
{
	begin = seconds(CLOCK_MONOTONIC);
	pid_t sleepers[4] = {
		spawn(relative, NULL),
		spawn(absolute, (void *)(long)CLOCK_MONOTONIC),
		spawn(absolute, (void *)(long)CLOCK_REALTIME),
		spawn(absolute, (void *)(long)CLOCK_BOOTTIME),
	};

	ready_and_wait();

	for (int i = 0; i < 4; i++) expect_exit(sleepers[i], 0);
	pass();
}
