/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of five processes below PID 1: pids, parents, and the wait status of each child.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static void leaf(void *arg)
{
	pid_t self = getpid(), parent = getppid();
	arrived();
	wait_for_go();
	CHECK_EQ("pid of a leaf", self, getpid());
	CHECK_EQ("parent of a leaf", parent, getppid());
	_exit((int)(long)arg);
}

static void branch(void *arg)
{
	pid_t self = getpid(), parent = getppid();
	pid_t left = spawn(leaf, (void *)21L), right = spawn(leaf, (void *)22L);
	arrived();
	wait_for_go();
	CHECK_EQ("pid of a branch", self, getpid());
	CHECK_EQ("parent of a branch", parent, getppid());
	MUST(kill(right, SIGTERM));
	MUST(kill(left, SIGTERM));
	expect_exit(left, 21);
	expect_exit(right, 22);
	CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "no further child of the branch");
	_exit((int)(long)arg);
}

int main(void)
{
	pid_t child[3];
	child[0] = spawn(branch, (void *)11L);
	child[1] = spawn(leaf, (void *)12L);
	child[2] = spawn(leaf, (void *)13L);
	pid_t parent = getppid();

	ready_and_wait();

	CHECK_EQ("pid", 1, getpid());
	CHECK_EQ("parent of PID 1", parent, getppid());
	CHECK_EQ("no child has exited yet", 0, waitpid(-1, NULL, WNOHANG));
	for (int i = 0; i < 3; i++) {
		MUST(kill(child[i], SIGTERM));
		expect_exit(child[i], 11 + i);
	}
	CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "no further child");
	pass();
}
