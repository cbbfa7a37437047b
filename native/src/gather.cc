// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "ptrace_requests.h"
#include "tracer.h"
#include "tracing_process.h"

namespace mvas {
namespace {

// The state of a tracee, as wait4(2) would report it, without reaping. 0: nothing yet.
pid_t Peek(int* status) {
  siginfo_t info{};
  // Tracees of this thread only: never a child that libuv waits for.
  const int options = WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD;
  if (waitid(P_ALL, 0, &info, options)) return -errno;
  const int value = info.si_status;
  if (info.si_code == CLD_EXITED)
    *status = value << 8;
  else if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
    *status = value;
  else
    *status = value << 8 | 0x7f;
  return info.si_pid;
}

// What one stop or death means for a gathering.
enum class Arrival { kArrived, kGoesOn, kDied, kFailed };

Arrival Judge(pid_t tid, int status) {
  if (!WIFSTOPPED(status)) return Arrival::kDied;
  const int event = Event(status);
  const int signal = WSTOPSIG(status);
  if (event != 0) {  // births, and the first stop of the newborn
    return Request(PTRACE_CONT, tid, nullptr, nullptr) == 0 ? Arrival::kGoesOn : Arrival::kFailed;
  }
  if (signal == SIGTRAP) return Arrival::kArrived;
  siginfo_t info;
  const bool known = Request(PTRACE_GETSIGINFO, tid, nullptr, &info) == 0;
  // A helper that ends by a signal sends it to itself; a fault comes from the kernel.
  if (known && (info.si_code == SI_TKILL || info.si_code == SI_USER)) {
    const auto pass = static_cast<unsigned long>(signal);
    return Request(PTRACE_CONT, tid, nullptr, Word(pass)) == 0 ? Arrival::kGoesOn
                                                               : Arrival::kFailed;
  }
  return Arrival::kFailed;
}

void Blame(pid_t tid, int status, int error, Gathering* result) {
  result->error = error;
  result->culprit = {tid, status};
  Registers registers;
  if (GetRegisters(tid, &registers) == 0) result->culprit_ip = InstructionPointer(registers);
}

}  // namespace

Gathering Gather(const std::vector<pid_t>& running, size_t expected, const std::set<pid_t>& mortal,
                 int timeout_ms) {
  Gathering result;
  for (const pid_t tid : running) {
    result.error = Request(PTRACE_CONT, tid, nullptr, nullptr);
    if (result.error) {
      result.culprit = {tid, result.error};
      return result;
    }
  }
  const int64_t deadline = NowMs() + timeout_ms;
  while (result.stopped.size() < expected) {
    int status = 0;
    const pid_t tid = Peek(&status);
    if (tid == 0) {
      if (!AwaitTracee(kLookMs) && NowMs() > deadline) {
        result.error = -ETIMEDOUT;
        return result;
      }
      continue;
    }
    if (tid < 0) {
      result.error = tid;
      return result;
    }
    if (!WIFSTOPPED(status) && !mortal.count(tid)) {
      Blame(tid, status, -ECHILD, &result);  // not reaped, so its identity can still be read
      return result;
    }
    wait4(tid, &status, __WALL | WNOHANG, nullptr);
    const Arrival arrival = Judge(tid, status);
    if (arrival == Arrival::kArrived) result.stopped.push_back(tid);
    if (arrival == Arrival::kFailed) {
      Blame(tid, status, -EPROTO, &result);
      return result;
    }
  }
  return result;
}

}  // namespace mvas
