// SPDX-License-Identifier: Apache-2.0
// ptrace mechanisms. All functions must run in the same tracing process of a session (ptrace(2):
// requests are accepted only from the tracing task). No policy here: -errno is passed up, messages
// are made above.
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

// A thread as wait4(2) last reported it.
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
// was seized but could not be interrupted is released. Waits for a thread that job control has
// stopped in a frozen cgroup of version 1, until that is thawed. `traced`: all threads seized so
// far, to which these are added.
std::vector<Stop> Seize(const std::vector<pid_t>& tids, unsigned long options,
                        std::vector<pid_t>* traced);

// Waits until every thread of `pending` has stopped or is gone, or `timeout_ms` is over
// (-ETIMEDOUT). Delivers signals that are due (the handler's frame is set up, then the interrupt
// takes effect). Adds children that appear by an event to the result.
std::vector<Stop> WaitStops(std::set<pid_t> pending, int timeout_ms);

ThreadState ReadThread(pid_t tid);

// Sets general registers; extended state and signal mask where given. Returns 0 or -errno.
int WriteThread(pid_t tid, const Registers& registers, const Bytes& xstate,
                const uint64_t* signal_mask);

// Sets general registers, which lead the thread home if we are killed, then blocks all signals.
// Returns 0 or -errno.
int Settle(pid_t tid, const Registers& registers);

// What to do when a call takes too long. It must not wait for a lock, nor allocate.
using Late = std::function<void()>;

// Makes the calls in a stopped thread, one after the other, by the system call instruction at
// `instruction`, with the stack pointer at `stack` (0: unchanged). Results are the tracee's return
// values. Stops early, with an error of its own, if the tracee dies (-ESRCH) or misbehaves
// (-EPROTO). After ten seconds of one call it fails with -ETIMEDOUT, or, given `late`, calls that
// and waits on. Registers are left changed: the caller writes the old ones back. All signals should
// be blocked; a SIGSTOP that arrives nevertheless is withheld from the tracee and recorded, to be
// passed to Detach.
int RemoteCalls(pid_t tid, uint64_t instruction, uint64_t stack,
                const std::vector<RemoteCall>& calls, std::vector<int64_t>* results,
                bool* stop_signal, const Late* late = nullptr);

// Makes the calls in a stopped thread that blocks all signals, by code in it that makes the `count`
// calls of a table, replaces each number by the result, and ends in a breakpoint: the thread stops
// once, not twice for each call. Then its registers are put back, even if we are killed meanwhile,
// so this waits as ExposedCalls does. The process must not ignore SIGTRAP, nor have one pending.
int BatchCalls(pid_t tid, uint64_t code, uint64_t table, std::vector<RemoteCall> calls,
               std::vector<int64_t>* results, bool* stop_signal, const Late& late);

// Reads words of a tracee's memory that we have mapped there: its own would no longer be shared.
// Returns 0 or -errno.
int ReadOurWords(pid_t tid, uint64_t address, int64_t* words, size_t count);

// Like RemoteCalls, on the unchanged stack and with all signals blocked; then gives the thread
// `resume` and `signal_mask`, even if we are killed meanwhile: nothing else would bring it home. So
// it waits for a call however long that takes; after ten seconds, `late` lets other threads go that
// it may wait for.
int ExposedCalls(pid_t tid, uint64_t instruction, const Registers& resume, uint64_t signal_mask,
                 const std::vector<RemoteCall>& calls, std::vector<int64_t>* results,
                 bool* stop_signal, const Late& late);

// Detaches each of `tids`, all of which had stopped, after sending a SIGSTOP to those in
// `stop_signals`, and removes it from both that and `traced`. Dead ones are reaped, and those about
// to die are waited for, for a tenth of a second: otherwise their parents would not be told while
// the tracer lives.
std::vector<Stop> LetGo(const std::vector<pid_t>& tids, std::set<pid_t>* stop_signals,
                        std::vector<pid_t>* traced);

// Detaches, after sending `signal` to the thread (0: none).
int Detach(pid_t tid, int signal);

// Lets `running` threads go on until `expected` of them all stand at a breakpoint, following those
// that they create. Threads in `mortal` may die; the death of any other ends it with -ECHILD,
// without reaping that thread. Signals that threads send are delivered; anything else is a failure:
// -EPROTO. `culprit` says which thread it was.
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
