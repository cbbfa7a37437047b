/* SPDX-License-Identifier: Apache-2.0 */
/* Filters for the seccomp targets: one system call answers with an errno, all others are allowed. */
#ifndef SECCOMP_H
#define SECCOMP_H

#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Makes `number` fail with `error` for the calling thread (or all, by SECCOMP_FILTER_FLAG_TSYNC). */
static void deny(unsigned number, unsigned error, unsigned flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

static void check_denied(const char *what, long result, int error)
{
	int got = errno;
	CHECK_EQ(what, -1, result);
	CHECK_EQ(what, error, got);
}

#endif
