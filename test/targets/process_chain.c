/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of 100 processes, each the child of the one before: memory is inherited all the way down.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static void link_of_chain(void *left)
{
	pid_t next = left ? spawn(link_of_chain, (char *)left - 1) : 0;
	arrived();
	wait_for_go();
	if (next) finish(next);
}

int main(void)
{
	pid_t first = spawn(link_of_chain, (void *)98l);

	ready_and_wait();

	finish(first);
	pass();
}
