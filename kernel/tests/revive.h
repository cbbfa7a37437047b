/* SPDX-License-Identifier: GPL-2.0-only */
/* EXEC of an image of the calling program itself: a function of it runs on a stack of its own. */
#ifndef MVAS_REVIVE_H
#define MVAS_REVIVE_H

#include "check.h"

static char revive_stack[65536] __attribute__((aligned(16)));

/* What was in these registers when the image began to run. */
static volatile uint64_t revived_xmm, revived_rax;
static int (*volatile revived_function)(void);

__attribute__((used)) static void revive_main(uint64_t function, uint64_t xmm, uint64_t rax)
{
	revived_xmm = xmm;
	revived_rax = rax;
	_exit(((int (*)(void))function)());
}

/* The caller's r12 says which function; system calls preserve that register. */
__asm__(".pushsection .text\n"
	"revive_entry:\n"
	"	movq %r12, %rdi\n"
	"	movq %xmm7, %rsi\n"
	"	movq %rax, %rdx\n"
	"	call revive_main\n"
	"	hlt\n"
	".popsection\n");
extern char revive_entry[];

/*
 * EXEC or SWITCH. A negative errno; on success the process continues in `function`, and exits with
 * what that returns.
 */
static inline int enter_image(unsigned long number, __u32 id, int (*function)(void))
{
	struct mvas_exec exec = { .size = sizeof(exec), .id = id };
	long ret = SYS_ioctl;

	exec.ip = (uintptr_t)revive_entry;
	exec.sp = (uintptr_t)(revive_stack + sizeof(revive_stack) - 64);
	__asm__ volatile("movq %[function], %%r12\n\tmovq %[mark], %%xmm7\n\tsyscall"
			 : "+a"(ret)
			 : "D"((long)device), "S"(number),
			   "d"(&exec), [function] "r"(function), [mark] "r"(0x1234567890abcdefll)
			 : "rcx", "r11", "r12", "xmm7", "memory");
	return ret;
}

static inline int revive(__u32 id, int (*function)(void))
{
	return enter_image(MVAS_EXEC, id, function);
}

#endif
