/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of clone3(2). */
#ifndef MVAS_CLONE_H_
#define MVAS_CLONE_H_

#include "sys.h"

#define CLONE_PARENT_ 0x8000ul
#define CLONE_VM_ 0x100ul
#define CLONE_VFORK_ 0x4000ul
#define CLONE_NEWUSER_ 0x10000000ul
#define CLONE_NEWPID_ 0x20000000ul

struct clone3_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};

#endif
