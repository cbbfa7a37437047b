/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions and process groups, among them a session and a group whose leaders are dead.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

struct ids {
	pid_t pid, group, session;
};

static struct ids read_ids(void)
{
	return (struct ids){getpid(), getpgrp(), getsid(0)};
}

static void settle_and_verify(void)
{
	struct ids before = read_ids();
	arrived();
	wait_for_go();
	struct ids after = read_ids();
	CHECK_EQ("pid", before.pid, after.pid);
	CHECK_EQ("process group", before.group, after.group);
	CHECK_EQ("session", before.session, after.session);
}

static void member(void *arg)
{
	(void)arg;
	settle_and_verify();
}

static void group_leader(void *arg)
{
	(void)arg;
	MUST(setpgid(0, 0));
	CHECK_EQ("own group", getpid(), getpgrp());
	pid_t follower = spawn(member, NULL);
	settle_and_verify();
	finish(follower);
}

static void session_leader(void *arg)
{
	(void)arg;
	MUST(setsid());
	pid_t inside = spawn(member, NULL), group = spawn(group_leader, NULL);
	settle_and_verify();
	finish(inside);
	finish(group);
}

/* Makes a session (or a group), leaves a member in it and dies: the member falls to PID 1. */
static void dying_leader(void *arg)
{
	int report = (int)(long)arg;
	if (report > 0) MUST(setsid());
	else MUST(setpgid(0, 0));
	pid_t child = spawn(member, NULL);
	if (write(abs(report), &child, sizeof(child)) != sizeof(child)) FAIL("report of a pid");
	arrived();
}

static pid_t leave_behind(int asSession)
{
	int report[2];
	pid_t child;
	MUST(pipe(report));
	expect_exit(spawn(dying_leader, (void *)(long)(asSession ? report[1] : -report[1])), 0);
	if (read(report[0], &child, sizeof(child)) != sizeof(child)) FAIL("report of a pid");
	close(report[0]);
	close(report[1]);
	return child;
}

int main(void)
{
	pid_t leader = spawn(session_leader, NULL), group = spawn(group_leader, NULL);
	pid_t session_orphan = leave_behind(1), group_orphan = leave_behind(0);
	pid_t dead_session = getsid(session_orphan), dead_group = getpgid(group_orphan);
	CHECK(dead_session != session_orphan && dead_group != group_orphan, "leaders are others");
	CHECK(kill(dead_session, 0) == -1 && errno == ESRCH, "the session leader is dead");

	ready_and_wait();

	CHECK_EQ("session of the leader", leader, getsid(leader));
	CHECK_EQ("group of the leader", group, getpgid(group));
	CHECK_EQ("dead session", dead_session, getsid(session_orphan));
	CHECK_EQ("dead group", dead_group, getpgid(group_orphan));
	CHECK(kill(dead_session, 0) == -1 && errno == ESRCH, "the session leader is still dead");
	CHECK_EQ("dead group can be signalled", 0, kill(-dead_group, 0));
	finish(leader);
	finish(group);
	finish(session_orphan);
	finish(group_orphan);
	pass();
}
