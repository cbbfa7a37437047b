// SPDX-License-Identifier: Apache-2.0
// Twins: children of stopped processes that share their memory copy-on-write, and never run.
#ifndef MVAS_TWINS_H_
#define MVAS_TWINS_H_

#include <stdint.h>
#include <sys/types.h>

#include <vector>

#include "tracer.h"

namespace mvas {

// How a thread makes a twin of its process.
struct TwinRequest {
  uint64_t code;                  // calls; then leads the thread home, and a child to `end`
  uint64_t end;                   // code that exits
  uint64_t stack;                 // the thread's way home
  unsigned long options;          // further PTRACE_O_* of the twin
  RemoteCall clone;               // the call that makes it
  std::vector<RemoteCall> calls;  // what the twin calls, each of which must succeed
};

// Host pid of the twin, and its pid in the pid namespace of the process.
struct Twin {
  pid_t pid = 0;
  int64_t inner = 0;
};

// Has a stopped thread that blocks all signals make a twin. That makes `calls` and then stands
// where it would exit; it dies with the tracer, and stops before it dies of anything else, so that
// its memory stays. On failure there is none. The thread's registers are left changed. Even if we
// are killed meanwhile, no twin runs on.
int MakeTwin(pid_t tid, const TwinRequest& request, Twin* twin, bool* stop_signal,
             const Late& late);

// Kills twins and reaps them, as far as a tracer can: their parents may have to, as well. Returns
// 0, or -ETIMEDOUT if one has not died.
int EndTwins(const std::vector<pid_t>& pids);

}  // namespace mvas

#endif
