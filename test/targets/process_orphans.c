/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orphans, which PID 1 of the pid namespace has adopted, be that the init of the container or not:
 * one in the session of the init, one that leads its own and has a child, one whose session has lost
 * its leader, and one that is stopped.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

enum { IN_SESSION, LEADS, LEADERLESS, STOPPED, KINDS };

struct order {
	int kind;
	int report;
	int done;
};

static void wait_as_child(void *arg)
{
	pid_t parent = getppid();
	(void)arg;
	arrived();
	wait_for_go();
	CHECK_EQ("parent of a child", parent, getppid());
}

static void orphan(void *arg)
{
	struct order *order = arg;
	pid_t child = 0;

	if (order->kind == LEADS) {
		MUST(setsid());
		child = spawn(wait_as_child, NULL);
	}
	pid_t sid = getsid(0), pgid = getpgrp();
	arrived();
	wait_for_go();
	CHECK_EQ("adopted by", 1, getppid());
	CHECK_EQ("session", sid, getsid(0));
	CHECK_EQ("group", pgid, getpgrp());
	if (child) finish(child);
	if (write(order->done, "d", 1) != 1) FAIL("report of an orphan");
}

static void short_lived(void *arg)
{
	struct order *order = arg;
	if (order->kind == LEADERLESS) MUST(setsid());
	pid_t pid = spawn(orphan, order);
	if (write(order->report, &pid, sizeof(pid)) != sizeof(pid)) FAIL("report of a pid");
	arrived();
}

int main(void)
{
	pid_t pids[KINDS];
	int done[2];

	MUST(pipe(done));
	for (int kind = 0; kind < KINDS; kind++) {
		int report[2];
		MUST(pipe(report));
		struct order order = {kind, report[1], done[1]};
		expect_exit(spawn(short_lived, &order), 0);
		if (read(report[0], &pids[kind], sizeof(pid_t)) != sizeof(pid_t)) FAIL("report of a pid");
		close(report[0]);
		close(report[1]);
	}
	MUST(kill(pids[STOPPED], SIGSTOP));
	ready_and_wait();
	MUST(kill(pids[STOPPED], SIGCONT));
	for (int kind = 0; kind < KINDS; kind++) {
		char byte;
		MUST(kill(pids[kind], SIGTERM));
		CHECK_EQ("report", 1, read(done[0], &byte, 1));
	}
	pass();
}
