/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group ids: real, effective, saved and file system ids that differ, supplementary groups.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <grp.h>
#include <sys/fsuid.h>

#define GROUPS 20

static void child(void *arg)
{
	gid_t groups[GROUPS], list[GROUPS + 1];
	uid_t r, e, s;
	gid_t rg, eg, sg;
	(void)arg;
	for (int i = 0; i < GROUPS; i++) groups[i] = (gid_t)(100 + i * 7);
	MUST(setgroups(GROUPS, groups));
	MUST(setresgid(201, 202, 203));
	setfsgid(204);
	MUST(setresuid(301, 0, 303));
	setfsuid(304);
	arrived();
	wait_for_go();
	MUST(getresuid(&r, &e, &s));
	MUST(getresgid(&rg, &eg, &sg));
	CHECK_EQ("real uid", 301, r);
	CHECK_EQ("effective uid", 0, e);
	CHECK_EQ("saved uid", 303, s);
	CHECK_EQ("real gid", 201, rg);
	CHECK_EQ("effective gid", 202, eg);
	CHECK_EQ("saved gid", 203, sg);
	CHECK_EQ("file system uid", 304, setfsuid(-1));
	CHECK_EQ("file system gid", 204, setfsgid(-1));
	CHECK_EQ("number of groups", GROUPS, getgroups(GROUPS + 1, list));
	for (int i = 0; i < GROUPS; i++) CHECK_EQ("group", groups[i], list[i]);
}

static void plain_user(void *arg)
{
	(void)arg;
	MUST(setgroups(0, NULL));
	MUST(setresgid(1000, 1000, 1000));
	MUST(setresuid(1000, 1000, 1000));
	arrived();
	wait_for_go();
	CHECK_EQ("uid", 1000, getuid());
	CHECK_EQ("gid", 1000, getegid());
	CHECK_EQ("no groups", 0, getgroups(0, NULL));
	CHECK(open("/etc/new", O_WRONLY | O_CREAT, 0600) == -1 && errno == EACCES, "no right to write");
	CHECK(setuid(0) == -1 && errno == EPERM, "no way back");
}

int main(void)
{
	pid_t mixed = spawn(child, NULL), user = spawn(plain_user, NULL);

	ready_and_wait();

	finish(mixed);
	finish(user);
	CHECK_EQ("uid of PID 1", 0, getuid());
	pass();
}
