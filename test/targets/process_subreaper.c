/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child subreaper adopts orphans made before and after the checkpoint; an orphan of PID 1 stays with PID 1.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/prctl.h>

static void orphan(void *arg)
{
	pid_t adopter = (pid_t)(long)arg;
	arrived();
	wait_for_go();
	CHECK_EQ("adopted by", adopter, getppid());
}

struct order {
	int report;
	pid_t adopter;
};

static void short_lived(void *arg)
{
	struct order *order = arg;
	pid_t pid = spawn(orphan, (void *)(long)order->adopter);
	if (write(order->report, &pid, sizeof(pid)) != sizeof(pid)) FAIL("report of a pid");
	arrived();
}

static pid_t make_orphan(void)
{
	int report[2];
	pid_t pid;
	MUST(pipe(report));
	struct order order = {report[1], getpid()};
	expect_exit(spawn(short_lived, &order), 0);
	if (read(report[0], &pid, sizeof(pid)) != sizeof(pid)) FAIL("report of a pid");
	close(report[0]);
	close(report[1]);
	return pid;
}

static void subreaper(void *arg)
{
	(void)arg;
	int flag = 0;
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	pid_t before = make_orphan();
	arrived();
	wait_for_go();
	MUST(prctl(PR_GET_CHILD_SUBREAPER, &flag, 0, 0, 0));
	CHECK_EQ("subreaper flag", 1, flag);
	finish(before);
	finish(make_orphan());
}

int main(void)
{
	pid_t reaper = spawn(subreaper, NULL), own = make_orphan();

	ready_and_wait();

	finish(own);
	finish(reaper);
	finish(make_orphan());
	pass();
}
