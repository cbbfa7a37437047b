/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process group whose leader has left it for that of another: it lives on while it has members. And
 * leaders that have each gone over to the other's group.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static int step[2];

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

/* Leads a group with a member, and goes over to another when it is told to which. */
static void leader(void *arg)
{
	pid_t other;
	MUST(setpgid(0, 0));
	pid_t follower = arg ? spawn(member, NULL) : 0;
	arrived();
	CHECK_EQ("the other group", sizeof(other), read(step[0], &other, sizeof(other)));
	MUST(setpgid(0, other));
	settle_and_verify();
	if (follower) finish(follower);
}

static void move(pid_t pid, pid_t group)
{
	MUST(write(step[1], &group, sizeof(group)));
	while (getpgid(pid) != group) usleep(1000);
}

int main(void)
{
	MUST(pipe(step));
	pid_t first = spawn(leader, "with a member");
	move(first, getpgrp());
	pid_t second = spawn(leader, "with a member");
	pid_t third = spawn(leader, NULL);
	move(second, third);
	move(third, second);

	ready_and_wait();

	CHECK_EQ("who left for PID 1's group", getpgrp(), getpgid(first));
	CHECK_EQ("who left for the third", third, getpgid(second));
	CHECK_EQ("who left for the second", second, getpgid(third));
	finish(first);
	finish(second);
	finish(third);
	pass();
}
