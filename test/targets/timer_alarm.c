/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alarm that runs out after the restore wakes the task; one in a child stays far away.
 * @needs: none
 * @expect: restore
 * @varies: state
 */
#include "target.h"

static double begin;

static void short_alarm(void *arg)
{
	sigset_t set;
	int got;
	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	alarm(3);
	arrived();
	while ((got = sigwaitinfo(&set, NULL)) == -1 && errno == EINTR) continue;
	CHECK_EQ("signal", SIGALRM, got);
	CHECK(seconds(CLOCK_MONOTONIC) - begin >= 2.9, "not early");
	CHECK_EQ("nothing left", 0, alarm(0));
}

static void long_alarm(void *arg)
{
	(void)arg;
	alarm(1000);
	arrived();
	wait_for_go();
	unsigned left = alarm(0);
	CHECK(left > 900 && left <= 1000, "seconds left");
}

int main(void)
{
	begin = seconds(CLOCK_MONOTONIC);
	pid_t soon = spawn(short_alarm, NULL), late = spawn(long_alarm, NULL);

	ready_and_wait();

	finish(late);
	expect_exit(soon, 0);
	pass();
}
