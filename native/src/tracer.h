// SPDX-License-Identifier: Apache-2.0
// ptrace mechanisms. Every function must run in one and the same tracing process per session
// (ptrace(2): requests are accepted from the tracing task alone). No policy here: -errno goes up,
// words are found above.
#ifndef MVAS_TRACER_H_
#define MVAS_TRACER_H_

#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "arch.h"

namespace mvas {

using Bytes = std::vector<uint8_t>;

// How a thread was last seen by wait4(2).
struct Stop {
  pid_t tid;
  int status;  // wait status; -errno when the thread could not be waited for
};

// What can be read of a stopped thread without running anything in it.
struct ThreadState {
  int error = 0;  // -errno of the first request that failed
  Registers registers{};
  Bytes xstate;  // extended state, verbatim
  uint64_t signal_mask = 0;
  bool has_user_dispatch = false;  // prctl(PR_SET_SYSCALL_USER_DISPATCH)
  Bytes rseq;                      // struct ptrace_rseq_configuration, empty before Linux 5.13
  Bytes private_signals;           // siginfo_t each 128 bytes, the thread's own queue
  Bytes shared_signals;            // the process's queue
};

// One system call to be made inside a tracee: number and six arguments.
struct RemoteCall {
  uint64_t nr;
  uint64_t args[6];
};

// PTRACE_SEIZE with `options`, then PTRACE_INTERRUPT, of each thread: 0 or -errno. A thread that
// could be seized but not interrupted is released. Waits for a thread that job control has stopped
// in a frozen cgroup of version 1, until that is thawed. `traced`: all that were seized before, to
// which they are added.
std::vector<Stop> Seize(const std::vector<pid_t>& tids, unsigned long options,
                        std::vector<pid_t>* traced);

// Waits until every thread of `pending` has stopped, has gone, or `timeout_ms` is over
// (-ETIMEDOUT). Signals that want delivery are delivered (the handler's frame is set up, then the
// interrupt strikes). Children that appear by an event are added to the result.
std::vector<Stop> WaitStops(std::set<pid_t> pending, int timeout_ms);

ThreadState ReadThread(pid_t tid);

// Sets general registers; extended state and signal mask where given. Returns 0 or -errno.
int WriteThread(pid_t tid, const Registers& registers, const Bytes& xstate,
                const uint64_t* signal_mask);

// Sets general registers, which are to lead the thread home if we are killed, and blocks all
// signals then. Returns 0 or -errno.
int Settle(pid_t tid, const Registers& registers);

// What to do when a call takes too long. It must not wait for a lock, nor allocate.
using Late = std::function<void()>;

// Makes the calls in a stopped thread, one after the other, by the instruction for system calls at
// `instruction`, with the stack pointer at `stack` (0: left as it is). Results are the tracee's
// return values. Stops early, with an error of its own, when the tracee dies (-ESRCH) or misbehaves
// (-EPROTO). After ten seconds of one call: -ETIMEDOUT, or with `late` that is done, and it waits
// on. Registers are left changed: the caller writes the old ones back. All signals should be
// blocked; a SIGSTOP that comes all the same is kept from the tracee and noted: it is to be given
// to Detach.
int RemoteCalls(pid_t tid, uint64_t instruction, uint64_t stack,
                const std::vector<RemoteCall>& calls, std::vector<int64_t>* results,
                bool* stop_signal, const Late* late = nullptr);

// Makes the calls in a stopped thread that blocks all signals, by code in it that makes `count`
// calls of a table, each result in place of the number, and ends in a breakpoint: the thread stops
// once, not twice for each call. Then it stands as it stood, even if we are killed meanwhile; so it
// waits as ExposedCalls does. The process must not ignore SIGTRAP, nor have one pending.
int BatchCalls(pid_t tid, uint64_t code, uint64_t table, std::vector<RemoteCall> calls,
               std::vector<int64_t>* results, bool* stop_signal, const Late& late);

// As RemoteCalls, on the stack as it is and with all signals blocked; then gives the thread
// `resume` and `signal_mask`, even if we are killed meanwhile: nothing else would bring it home. So
// it waits for a call however long that takes; after ten seconds, `late` is to let others go that
// it may wait for.
int ExposedCalls(pid_t tid, uint64_t instruction, const Registers& resume, uint64_t signal_mask,
                 const std::vector<RemoteCall>& calls, std::vector<int64_t>* results,
                 bool* stop_signal, const Late& late);

// Detaches each of `tids`, all of which had stopped, having sent a SIGSTOP to those in
// `stop_signals`, and takes it out of both that and `traced`. Those that have died are reaped, a
// tenth of a second being waited for those that are about to: else their parents would not hear of
// it while the tracer goes on.
std::vector<Stop> LetGo(const std::vector<pid_t>& tids, std::set<pid_t>* stop_signals,
                        std::vector<pid_t>* traced);

// Detaches, having sent `signal` to the thread (0: none).
int Detach(pid_t tid, int signal);

// Lets `running` threads go on until `expected` of them all stand at a breakpoint, following
// those that they create. Threads in `mortal` may die; at another's death it ends with -ECHILD, and
// that one is not reaped yet. Signals that threads send are delivered; anything else that happens
// is a failure: -EPROTO. The culprit is in `culprit`.
struct Gathering {
  int error = 0;
  Stop culprit{};
  uint64_t culprit_ip = 0;
  std::vector<pid_t> stopped;
};
Gathering Gather(const std::vector<pid_t>& running, size_t expected, const std::set<pid_t>& mortal,
                 int timeout_ms);

}  // namespace mvas

#endif
