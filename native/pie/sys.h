/* SPDX-License-Identifier: Apache-2.0 */
/* System calls, and the parts of a C library that the freestanding code needs. */
#ifndef MVAS_SYS_H_
#define MVAS_SYS_H_

#include <asm/unistd.h>

#if defined(__x86_64__)
#include "arch/x86_64.h"
#else
#error "no native/pie/arch for this processor"
#endif

#define E_INTR 4
#define E_AGAIN 11
#define E_EXIST 17
#define E_PERM 1
#define E_INVAL 22
#define E_PROTO 71

#define ARG(x) ((u64)(x))
#define sys1(nr, a) sys6(nr, ARG(a), 0, 0, 0, 0, 0)
#define sys2(nr, a, b) sys6(nr, ARG(a), ARG(b), 0, 0, 0, 0)
#define sys3(nr, a, b, c) sys6(nr, ARG(a), ARG(b), ARG(c), 0, 0, 0)
#define sys4(nr, a, b, c, d) sys6(nr, ARG(a), ARG(b), ARG(c), ARG(d), 0, 0)

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
