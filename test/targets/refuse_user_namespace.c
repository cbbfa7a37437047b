/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child in a user namespace of its own.
 * @needs: none
 * @expect: refuse namespace
 */
#include "target.h"
#include <sched.h>

static void child(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER) == -1) SKIP("no user namespaces here");
	arrived();
	wait_for_go();
	CHECK_EQ("unmapped uid", 65534, getuid());
}

int main(void)
{
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	finish(pid);
	pass();
}
