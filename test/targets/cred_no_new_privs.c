/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no_new_privs and dumpable: set in one child, not in its parent or sibling.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/prctl.h>

static void child(void *arg)
{
	long bits = (long)arg;
	if (bits & 1) MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_DUMPABLE, bits >> 1, 0, 0, 0));
	arrived();
	wait_for_go();
	CHECK_EQ("no_new_privs", bits & 1, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CHECK_EQ("dumpable", bits >> 1, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

int main(void)
{
	pid_t pids[4];
	for (long i = 0; i < 4; i++) pids[i] = spawn(child, (void *)i);

	ready_and_wait();

	for (int i = 0; i < 4; i++) finish(pids[i]);
	CHECK_EQ("no_new_privs of PID 1", 0, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CHECK_EQ("dumpable of PID 1", 1, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	pass();
}
