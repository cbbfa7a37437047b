// SPDX-License-Identifier: Apache-2.0
#include "twins.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <set>

#include "ptrace_requests.h"
#include "steps.h"
#include "tracing_process.h"

namespace mvas {
namespace {

constexpr unsigned long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXIT;
// How long twins may take to die: each gives back all its memory.
constexpr int64_t kEndLimitMs = 60'000;

// A child begins with a stop; from then on it dies with us.
int Hold(pid_t pid, unsigned long options) {
  int status = 0;
  int error = WaitOne(pid, &status, nullptr);
  if (!error && !WIFSTOPPED(status)) error = -ESRCH;
  return error ? error : Request(PTRACE_SETOPTIONS, pid, nullptr, Word(kOptions | options));
}

// Has the twin make its calls, and sends it to its end.
int Prepare(pid_t pid, const TwinRequest& request, std::vector<int64_t>* results) {
  bool stop_signal = false;
  int error = RemoteCalls(pid, request.code, 0, request.calls, results, &stop_signal);
  for (const int64_t result : *results)
    if (!error && result < 0) error = static_cast<int>(result);
  Registers registers;
  if (!error) error = GetRegisters(pid, &registers);
  if (error) return error;
  SetInstruction(&registers, request.end);
  return SetRegisters(pid, registers);
}

}  // namespace

int MakeTwin(pid_t tid, const TwinRequest& request, Twin* twin, bool* stop_signal,
             const Late& late) {
  std::vector<int64_t> results;
  results.reserve(request.calls.size());  // from here on nothing is allocated
  const OutlivingScope scope;
  Registers registers;
  int error = GetRegisters(tid, &registers);
  if (error) return error;
  SetCall(&registers, request.code, request.stack, request.clone.nr, request.clone.args);
  error = SetRegisters(tid, registers);
  for (int stops = 0; !error && stops < 2; stops++)
    error = ToSyscallStop(tid, stop_signal, &late, &twin->pid);
  if (!error) error = GetRegisters(tid, &registers);
  twin->inner = CallResult(registers);
  if (!error && twin->inner < 0) error = static_cast<int>(twin->inner);
  int held = twin->pid ? Hold(twin->pid, request.options) : -ECHILD;
  if (!held) held = Prepare(twin->pid, request, &results);
  const int trapped = ToTrap(tid, stop_signal, &late);
  if (!error) error = held ? held : trapped;
  return error;
}

int EndTwins(const std::vector<pid_t>& pids) {
  std::set<pid_t> left;
  for (const pid_t pid : pids)
    if (!kill(pid, SIGKILL)) left.insert(pid);
  for (const int64_t deadline = NowMs() + kEndLimitMs; !left.empty(); AwaitTracee(kLookMs)) {
    for (auto it = left.begin(); it != left.end();) {
      int status = 0;
      const pid_t got = wait4(*it, &status, __WALL | WNOHANG, nullptr);
      const bool is_stopped = got == *it && WIFSTOPPED(status);
      if (is_stopped) Request(PTRACE_CONT, *it, nullptr, nullptr);
      it = got == 0 || is_stopped ? std::next(it) : left.erase(it);
    }
    if (!left.empty() && NowMs() > deadline) return -ETIMEDOUT;
  }
  return 0;
}

}  // namespace mvas
