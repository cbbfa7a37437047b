/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Execution domain flags of a child.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/personality.h>

static void child(void *arg)
{
	(void)arg;
	MUST(personality(ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT));
	arrived();
	wait_for_go();
	CHECK_EQ("personality", ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT, personality(0xffffffff));
}

int main(void)
{
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	finish(pid);
	CHECK_EQ("personality of PID 1", 0, personality(0xffffffff));
	pass();
}
