/* SPDX-License-Identifier: Apache-2.0 */
/*
 * General registers and flags of a task that spins in user mode and makes no system call.
 * @needs: none
 * @expect: restore
 * @varies: rest
 */
#include "simd.h"

__attribute__((used)) static unsigned long stored[14], stored_flags;

static void body(void)
{
	__asm__ volatile("push %%rbp\n"
			 "mov $0x1101010101010101, %%rbx\n"
			 "mov $0x1202020202020202, %%rcx\n"
			 "mov $0x1303030303030303, %%rdx\n"
			 "mov $0x1404040404040404, %%rsi\n"
			 "mov $0x1505050505050505, %%rdi\n"
			 "mov $0x1606060606060606, %%rbp\n"
			 "mov $0x1707070707070707, %%r8\n"
			 "mov $0x1808080808080808, %%r9\n"
			 "mov $0x1909090909090909, %%r10\n"
			 "mov $0x1a0a0a0a0a0a0a0a, %%r11\n"
			 "mov $0x1b0b0b0b0b0b0b0b, %%r12\n"
			 "mov $0x1c0c0c0c0c0c0c0c, %%r13\n"
			 "mov $0x1d0d0d0d0d0d0d0d, %%r14\n"
			 "mov $0x1e0e0e0e0e0e0e0e, %%r15\n"
			 "std\n"
			 "1: cmpl $0, (%%rax)\n"
			 "je 1b\n"
			 "stc\n"
			 "mov %%rbx, stored(%%rip)\n"
			 "mov %%rcx, stored+8(%%rip)\n"
			 "mov %%rdx, stored+16(%%rip)\n"
			 "mov %%rsi, stored+24(%%rip)\n"
			 "mov %%rdi, stored+32(%%rip)\n"
			 "mov %%rbp, stored+40(%%rip)\n"
			 "mov %%r8, stored+48(%%rip)\n"
			 "mov %%r9, stored+56(%%rip)\n"
			 "mov %%r10, stored+64(%%rip)\n"
			 "mov %%r11, stored+72(%%rip)\n"
			 "mov %%r12, stored+80(%%rip)\n"
			 "mov %%r13, stored+88(%%rip)\n"
			 "mov %%r14, stored+96(%%rip)\n"
			 "mov %%r15, stored+104(%%rip)\n"
			 "pushf\n"
			 "popq stored_flags(%%rip)\n"
			 "cld\n"
			 "pop %%rbp\n"
			 :
			 : "a"(spin_flag)
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
			   "r14", "r15", "memory", "cc");
	for (unsigned long i = 0; i < 14; i++) {
		unsigned long expected = 0x1000000000000000 + (i + 1) * 0x0101010101010101;
		CHECK_EQ("register", expected, stored[i]);
	}
	CHECK_EQ("direction and carry flags", 0x401, stored_flags & 0x401);
}

int main(void)
{
	run_spinning(body);
}
