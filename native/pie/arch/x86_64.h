/* SPDX-License-Identifier: Apache-2.0 */
/* The processor-specific part of the freestanding code. Another architecture is another file like
 * this.
 */
#ifndef MVAS_ARCH_X86_64_H_
#define MVAS_ARCH_X86_64_H_

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long s64;

/* Where the program begins: on the stack that the kernel has made, aligned. The function gets where
 * that was: the number of arguments, and these. */
#define ENTRY(function)                                                                            \
	__asm__(".section .text.start,\"ax\",@progbits\n"                                          \
		".globl _start\n"                                                                  \
		"_start:\n"                                                                        \
		"	xor %ebp, %ebp\n"                                                                \
		"	mov %rsp, %rdi\n"                                                                \
		"	and $-16, %rsp\n"                                                                \
		"	call " #function "\n"                                                      \
		"	.previous")

static inline s64 sys6(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	s64 result;
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	register u64 r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline void copy(void *to, const void *from, u64 length)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
}

static inline void zero(void *at, u64 length)
{
	__asm__ volatile("rep stosb" : "+D"(at), "+c"(length) : "a"(0) : "memory");
}

/* Stops for the tracer, which lets the process go on behind the breakpoint. */
static inline void breakpoint(void)
{
	__asm__ volatile("int3" : : : "memory");
}

static inline _Noreturn void crash(void)
{
	for (;;)
		__asm__ volatile("ud2");
}

/* Calls a function that does not return, with one argument, on another stack. */
static inline _Noreturn void call_on_stack(u64 stack, u64 function, void *argument)
{
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "and $-64, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %1, %%rdi\n\t"
			 "call *%2"
			 :
			 : "r"(stack), "r"(argument), "r"(function)
			 : "rdi", "memory");
	__builtin_unreachable();
}

/* Creates a thread with a new stack by clone3(2), and makes it call thread_main(a, b). */
static inline s64 clone_thread_main(u64 nr_clone3, void *args, u64 size, void *a, u64 b)
{
	/* In registers that the child inherits and the call preserves. */
	register void *first __asm__("r12") = a;
	register u64 second __asm__("r13") = b;
	s64 result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r12, %%rdi\n\t"
			 "mov %%r13, %%rsi\n\t"
			 "call thread_main\n"
			 "1:"
			 : "=a"(result)
			 : "a"(nr_clone3), "D"(args), "S"(size), "r"(first), "r"(second)
			 : "rcx", "r11", "memory");
	return result;
}

#endif
