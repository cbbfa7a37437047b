/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process group whose leader has left it for that of another: it lives on while it has members. And two leaders
 * that have each joined the other's group.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

/* Tells a leader where to go: each has a pipe of its own, since any process that waits may read from a shared one. */
struct lead {
	int step[2];
	int with_member;
};

static void settle_and_verify(void)
{
	pid_t group = getpgrp(), session = getsid(0);
	wait_for_go();
	CHECK_EQ("process group", group, getpgrp());
	CHECK_EQ("session", session, getsid(0));
}

static void member(void *arg)
{
	(void)arg;
	arrived();
	settle_and_verify();
}

/* Leads a group with a member, and joins another when it is told which. */
static void leader(void *arg)
{
	const struct lead *lead = arg;
	pid_t other;
	MUST(setpgid(0, 0));
	pid_t follower = lead->with_member ? spawn(member, NULL) : 0;
	arrived();
	CHECK_EQ("the other group", sizeof(other), read(lead->step[0], &other, sizeof(other)));
	MUST(setpgid(0, other));
	settle_and_verify();
	if (follower) finish(follower);
}

static pid_t spawn_leader(struct lead *lead)
{
	MUST(pipe(lead->step));
	return spawn(leader, lead);
}

static void move(const struct lead *lead, pid_t pid, pid_t group)
{
	MUST(write(lead->step[1], &group, sizeof(group)));
	while (getpgid(pid) != group) usleep(1000);
}

int main(void)
{
	struct lead leads[3] = { { .with_member = 1 }, { .with_member = 1 }, { .with_member = 0 } };
	pid_t first = spawn_leader(&leads[0]);
	move(&leads[0], first, getpgrp());
	pid_t second = spawn_leader(&leads[1]);
	pid_t third = spawn_leader(&leads[2]);
	move(&leads[1], second, third);
	move(&leads[2], third, second);

	ready_and_wait();

	CHECK_EQ("who left for PID 1's group", getpgrp(), getpgid(first));
	CHECK_EQ("who left for the third", third, getpgid(second));
	CHECK_EQ("who left for the second", second, getpgid(third));
	finish(first);
	finish(second);
	finish(third);
	pass();
}
