/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes on one address space (CLONE_VM without CLONE_THREAD), and one sharing cwd (CLONE_FS).
 * @needs: none
 * @expect: refuse CLONE_VM
 * @varies: rest
 */
#include "target.h"
#include <sched.h>
#include <sys/syscall.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int arrivals, value = 1;

static int on_same_memory(void *arg)
{
	(void)arg;
	__atomic_add_fetch(&arrivals, 1, __ATOMIC_SEQ_CST);
	while (value != 2) syscall(SYS_sched_yield);
	value = 3;
	syscall(SYS_exit, 0);
	return 0;
}

int main(void)
{
	pid_t pid = MUST(clone(on_same_memory, stack + sizeof(stack), CLONE_VM | CLONE_FS | SIGCHLD, NULL));
	while (!arrivals) usleep(1000);

	ready_and_wait();

	value = 2;
	expect_exit(pid, 0);
	CHECK_EQ("written by the other", 3, value);
	pass();
}
