// SPDX-License-Identifier: Apache-2.0
// Single steps of a tracee, only for the tracer.
#ifndef MVAS_STEPS_H_
#define MVAS_STEPS_H_

#include <sys/types.h>

#include "tracer.h"

namespace mvas {

// Waits for the next stop of one tracee: -ESRCH if it has died. If it does not come in time:
// -ETIMEDOUT, or, with something to do about it, does that and waits on.
int WaitOne(pid_t tid, int* status, const Late* late);

// Runs the tracee to its next system call stop. `born`, if not null, gets the child that it creates
// on the way.
int ToSyscallStop(pid_t tid, bool* stop_signal, const Late* late, pid_t* born = nullptr);

// From a system call stop to a trap stop, without running anything: only a task that resumes from
// there restarts an interrupted system call as its registers say (the kernel's
// arch/*/kernel/signal.c).
int ToTrap(pid_t tid, bool* stop_signal, const Late* late);

}  // namespace mvas

#endif
