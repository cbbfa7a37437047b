/* SPDX-License-Identifier: Apache-2.0 */
/* System calls and the little of a C library that the freestanding code needs. */
#ifndef MVAS_SYS_H_
#define MVAS_SYS_H_

#include <asm/unistd.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long s64;

#define E_INTR 4
#define E_AGAIN 11
#define E_PERM 1
#define E_INVAL 22
#define E_PROTO 71

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

#define ARG(x) ((u64)(x))
#define sys1(nr, a) sys6(nr, ARG(a), 0, 0, 0, 0, 0)
#define sys2(nr, a, b) sys6(nr, ARG(a), ARG(b), 0, 0, 0, 0)
#define sys3(nr, a, b, c) sys6(nr, ARG(a), ARG(b), ARG(c), 0, 0, 0)
#define sys4(nr, a, b, c, d) sys6(nr, ARG(a), ARG(b), ARG(c), ARG(d), 0, 0)

static inline void copy(void *to, const void *from, u64 length)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
}

static inline void zero(void *at, u64 length)
{
	__asm__ volatile("rep stosb" : "+D"(at), "+c"(length) : "a"(0) : "memory");
}

static inline _Noreturn void leave(int status)
{
	for (;;)
		sys1(__NR_exit_group, status);
}

struct iov {
	void *base;
	u64 length;
};

#define MAX_FDS 253 /* SCM_MAX_FD */

/*
 * Receives one message of at most `size` bytes; descriptors go to `fds`, their number to `count`
 * (close on exec). Returns bytes, 0 at the end, -errno.
 */
s64 receive(int sock, void *message, u64 size, int *fds, int *count);

#endif
