/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For targets that keep values in registers, never in memory, while they may be checkpointed: the
 * register file is loaded, then a loop spins on a flag in memory without touching it, then it is
 * stored. The loop must be assembly, since a compiler may use any register for anything.
 */
#ifndef SIMD_H
#define SIMD_H

#include "target.h"

/* Set by another process through shared memory: the spinning task itself makes no system call. */
static volatile int *spin_flag;

/* Makes the flag; the caller spins in a child while PID 1 waits for the go and then sets it. */
static void make_spin_flag(void)
{
	spin_flag = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	spin_flag[1] = 0;
}

/* Runs body in a child that spins; passes when the child exits 0. */
__attribute__((noreturn)) static void run_spinning(void (*body)(void))
{
	make_spin_flag();
	pid_t pid = MUST(fork());
	if (pid == 0) {
		body();
		_exit(0);
	}
	ready_and_wait();
	*spin_flag = 1;
	expect_exit(pid, 0);
	pass();
}

#endif
