// SPDX-License-Identifier: Apache-2.0
#include "tracer.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "ptrace_requests.h"
#include "steps.h"
#include "tracing_process.h"

namespace mvas {
namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80;  // with PTRACE_O_TRACESYSGOOD
constexpr long kGetRseqConfiguration = 0x420f;
constexpr long kGetSyscallUserDispatch = 0x4211;
constexpr size_t kSiginfoBatch = 32;
constexpr unsigned kExiting = 0x4;  // PF_EXITING
// How long a tracee may take for one step of a system call.
constexpr int64_t kStepLimitMs = 10'000;
// How long a thread may take to die.
constexpr int64_t kReapLimitMs = 100;

// 20 microseconds first, a millisecond at the most.
void Pause(int attempt) {
  const long wait = attempt > 50 ? 1000000 : 20000 * (attempt + 1);
  const timespec time = {0, wait > 1000000 ? 1000000 : wait};
  nanosleep(&time, nullptr);
}

Bytes Signals(pid_t tid, bool shared, int* error) {
  Bytes all;
  for (;;) {
    siginfo_t batch[kSiginfoBatch];
    struct {
      uint64_t offset;
      uint32_t flags;
      int32_t count;
    } peek = {all.size() / sizeof(siginfo_t), shared ? 1u : 0u, kSiginfoBatch};
    const long count = ptrace(static_cast<__ptrace_request>(PTRACE_PEEKSIGINFO), tid, &peek, batch);
    if (count < 0) *error = -errno;
    if (count <= 0) return all;
    const auto* bytes = reinterpret_cast<const uint8_t*>(batch);
    all.insert(all.end(), bytes, bytes + static_cast<size_t>(count) * sizeof(siginfo_t));
  }
}

// Whether a task has exited, or is about to. wait4(2) does not report the first thread of a process
// before all others are reaped; and the init of a pid namespace waits for all others in there.
bool IsDead(pid_t tid) {
  char text[512];
  snprintf(text, sizeof text, "/proc/%d/stat", tid);
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return true;
  text[length] = 0;
  const char* rest = strrchr(text, ')');
  char state;
  unsigned flags;  // PF_*
  if (!rest || sscanf(rest, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2) return true;
  return state == 'Z' || state == 'X' || (flags & kExiting);
}

// A SIGSTOP, which nothing blocks, arrives while we are at work in the tracee.
bool IsStopSignal(int status) { return Event(status) == 0 && WSTOPSIG(status) == SIGSTOP; }

int SeizeOne(pid_t tid, unsigned long options) {
  const int seized = Request(PTRACE_SEIZE, tid, nullptr, Word(options));
  if (seized) return seized;
  return Request(PTRACE_INTERRUPT, tid, nullptr, nullptr);
}

}  // namespace

int WaitOne(pid_t tid, int* status, const Late* late) {
  int64_t deadline = NowMs() + kStepLimitMs;
  for (;;) {
    const pid_t got = wait4(tid, status, __WALL | WNOHANG, nullptr);
    if (got == tid) return 0;
    if (got == -1 && errno != EINTR) return -errno;
    if (AwaitTracee(kLookMs)) continue;
    if (IsDead(tid)) return -ESRCH;
    if (NowMs() <= deadline) continue;
    if (!late) return -ETIMEDOUT;
    (*late)();
    deadline = INT64_MAX;
  }
}

int ToSyscallStop(pid_t tid, bool* stop_signal, const Late* late, pid_t* born) {
  for (;;) {
    const int error = Request(PTRACE_SYSCALL, tid, nullptr, nullptr);
    if (error) return error;
    int status;
    const int waited = WaitOne(tid, &status, late);
    if (waited) return waited;
    if (!WIFSTOPPED(status)) return -ESRCH;
    if (WSTOPSIG(status) == kSyscallStop) return 0;
    unsigned long message = 0;
    if (IsStopSignal(status))
      *stop_signal = true;
    else if (Event(status) == 0)
      return -EPROTO;  // A signal, though all are blocked: a fault of the call.
    else if (born && !Request(PTRACE_GETEVENTMSG, tid, nullptr, &message))
      *born = static_cast<pid_t>(message);
  }
}

int ToTrap(pid_t tid, bool* stop_signal, const Late* late) {
  int error = Request(PTRACE_INTERRUPT, tid, nullptr, nullptr);
  while (!error) {
    error = Request(PTRACE_CONT, tid, nullptr, nullptr);
    int status = 0;
    if (!error) error = WaitOne(tid, &status, late);
    if (!error && !WIFSTOPPED(status)) error = -ESRCH;
    if (!error && Event(status) == PTRACE_EVENT_STOP) return 0;
    if (!error && IsStopSignal(status)) *stop_signal = true;
  }
  return error;
}

std::vector<Stop> Seize(const std::vector<pid_t>& tids, unsigned long options,
                        std::vector<pid_t>* traced) {
  traced->insert(traced->end(), tids.begin(), tids.end());
  const ReapingScope reaping(traced);
  std::vector<Stop> results;
  for (const pid_t tid : tids) results.push_back({tid, SeizeOne(tid, options)});
  return results;
}

std::vector<Stop> WaitStops(std::set<pid_t> pending, int timeout_ms) {
  std::vector<Stop> stops;
  const int64_t deadline = NowMs() + timeout_ms;
  for (int attempt = 0; !pending.empty(); attempt++) {
    bool progress = false;
    for (auto it = pending.begin(); it != pending.end();) {
      const pid_t tid = *it;
      int status = 0;
      const pid_t got = wait4(tid, &status, __WALL | WNOHANG, nullptr);
      if (got == 0) {
        ++it;
        continue;
      }
      progress = true;
      if (got < 0) {
        stops.push_back({tid, -errno});
        it = pending.erase(it);
        continue;
      }
      if (WIFSTOPPED(status) && Event(status) != PTRACE_EVENT_STOP) {
        unsigned long created = 0;
        if (Event(status) == PTRACE_EVENT_FORK || Event(status) == PTRACE_EVENT_VFORK ||
            Event(status) == PTRACE_EVENT_CLONE) {
          if (Request(PTRACE_GETEVENTMSG, tid, nullptr, &created) == 0)
            pending.insert(static_cast<pid_t>(created));
        }
        const int signal =
            Event(status) == 0 && WSTOPSIG(status) != kSyscallStop ? WSTOPSIG(status) : 0;
        Request(PTRACE_CONT, tid, nullptr, Word(static_cast<unsigned long>(signal)));
        ++it;
        continue;
      }
      stops.push_back({tid, status});
      it = pending.erase(it);
    }
    if (progress) attempt = 0;
    if (pending.empty()) break;
    if (NowMs() > deadline) {
      for (const pid_t tid : pending) stops.push_back({tid, -ETIMEDOUT});
      break;
    }
    Pause(attempt);
  }
  return stops;
}

ThreadState ReadThread(pid_t tid) {
  ThreadState state;
  state.error = GetRegisters(tid, &state.registers);
  if (state.error) return state;
  state.xstate.resize(kExtendedMax);
  iovec xstate = {state.xstate.data(), state.xstate.size()};
  state.error = Request(PTRACE_GETREGSET, tid, Word(kExtendedNote), &xstate);
  if (state.error) return state;
  state.xstate.resize(xstate.iov_len);
  CompleteExtended(state.xstate.data(), state.xstate.size());
  state.error = Request(PTRACE_GETSIGMASK, tid, Word(sizeof state.signal_mask), &state.signal_mask);
  if (state.error) return state;
  uint8_t rseq[24];
  if (ptrace(static_cast<__ptrace_request>(kGetRseqConfiguration), tid, sizeof rseq, rseq) > 0)
    state.rseq.assign(rseq, rseq + sizeof rseq);
  uint64_t dispatch[4];  // struct ptrace_sud_config: the mode first
  const long got = ptrace(static_cast<__ptrace_request>(kGetSyscallUserDispatch), tid,
                          sizeof dispatch, dispatch);
  state.has_user_dispatch = got >= 0 && dispatch[0];
  state.private_signals = Signals(tid, false, &state.error);
  state.shared_signals = Signals(tid, true, &state.error);
  return state;
}

int WriteThread(pid_t tid, const Registers& registers, const Bytes& xstate,
                const uint64_t* signal_mask) {
  if (!xstate.empty()) {
    iovec vector = {const_cast<uint8_t*>(xstate.data()), xstate.size()};
    const int error = Request(PTRACE_SETREGSET, tid, Word(kExtendedNote), &vector);
    if (error) return error;
  }
  if (signal_mask) {
    uint64_t mask = *signal_mask;
    const int error = Request(PTRACE_SETSIGMASK, tid, Word(sizeof mask), &mask);
    if (error) return error;
  }
  return SetRegisters(tid, registers);
}

int Settle(pid_t tid, const Registers& registers) {
  const int error = SetRegisters(tid, registers);
  uint64_t all = ~0ull;
  return error ? error : Request(PTRACE_SETSIGMASK, tid, Word(sizeof all), &all);
}

int RemoteCalls(pid_t tid, uint64_t instruction, uint64_t stack,
                const std::vector<RemoteCall>& calls, std::vector<int64_t>* results,
                bool* stop_signal, const Late* late) {
  Registers base;
  int error = GetRegisters(tid, &base);
  if (error) return error;
  for (const RemoteCall& call : calls) {
    Registers registers = base;
    SetCall(&registers, instruction, stack, call.nr, call.args);
    error = SetRegisters(tid, registers);
    for (int stops = 0; !error && stops < 2; stops++)
      error = ToSyscallStop(tid, stop_signal, late);  // entry, then exit
    if (!error) error = GetRegisters(tid, &registers);
    if (error) return error;
    results->push_back(CallResult(registers));
  }
  return ToTrap(tid, stop_signal, late);
}

int ExposedCalls(pid_t tid, uint64_t instruction, const Registers& resume, uint64_t signal_mask,
                 const std::vector<RemoteCall>& calls, std::vector<int64_t>* results,
                 bool* stop_signal, const Late& late) {
  results->reserve(calls.size());  // from here on nothing is allocated
  const OutlivingScope scope;
  uint64_t all = ~0ull;
  int error = Request(PTRACE_SETSIGMASK, tid, Word(sizeof all), &all);
  if (!error) error = RemoteCalls(tid, instruction, 0, calls, results, stop_signal, &late);
  const int restored = WriteThread(tid, resume, {}, &signal_mask);
  return error ? error : restored;
}

namespace {

// Lets the thread run to a breakpoint of its own.
int ToBreakpoint(pid_t tid, bool* stop_signal, const Late& late) {
  bool has_trap = false;
  for (;;) {
    int error = Request(PTRACE_CONT, tid, nullptr, nullptr);
    int status = 0;
    if (!error) error = WaitOne(tid, &status, &late);
    if (!error && !WIFSTOPPED(status)) error = -ESRCH;
    if (error) return error;
    siginfo_t info;
    if (IsStopSignal(status)) {
      *stop_signal = true;
    } else if (Event(status) || WSTOPSIG(status) != SIGTRAP ||
               Request(PTRACE_GETSIGINFO, tid, nullptr, &info)) {
      return -EPROTO;
    } else if (info.si_code == SI_KERNEL) {
      if (has_trap) syscall(SYS_tkill, tid, SIGTRAP);  // blocked again by the time it continues
      return 0;
    } else {
      has_trap = true;  // sent by another process
    }
  }
}

// Reads or writes memory of a tracee.
int Copy(decltype(process_vm_readv)* copy, pid_t tid, uint64_t address, void* data, size_t size) {
  const iovec here = {data, size};
  const iovec there = {reinterpret_cast<void*>(address), size};
  const ssize_t done = copy(tid, &here, 1, &there, 1, 0);
  if (done < 0) return -errno;
  return static_cast<size_t>(done) == size ? 0 : -EFAULT;
}

}  // namespace

int BatchCalls(pid_t tid, uint64_t code, uint64_t table, std::vector<RemoteCall> calls,
               std::vector<int64_t>* results, bool* stop_signal, const Late& late) {
  results->reserve(calls.size());  // from here on nothing is allocated
  const OutlivingScope scope;
  const size_t size = calls.size() * sizeof(RemoteCall);
  Registers base;
  int error = GetRegisters(tid, &base);
  if (!error) error = Copy(process_vm_writev, tid, table, calls.data(), size);
  if (error) return error;
  uint64_t all = ~0ull;
  uint64_t but_trap = ~(1ull << (SIGTRAP - 1));
  Registers registers = base;
  SetBatch(&registers, code, table, calls.size());
  error = SetRegisters(tid, registers);
  if (!error) error = Request(PTRACE_SETSIGMASK, tid, Word(sizeof but_trap), &but_trap);
  if (!error) error = ToBreakpoint(tid, stop_signal, late);
  const int masked = Request(PTRACE_SETSIGMASK, tid, Word(sizeof all), &all);
  const int restored = SetRegisters(tid, base);
  if (!error) error = masked ? masked : restored;
  if (!error) error = ToTrap(tid, stop_signal, &late);
  if (!error) error = Copy(process_vm_readv, tid, table, calls.data(), size);
  if (error) return error;
  for (const RemoteCall& call : calls) results->push_back(static_cast<int64_t>(call.nr));
  return 0;
}

int ReadOurWords(pid_t tid, uint64_t address, int64_t* words, size_t count) {
  return count ? Copy(process_vm_readv, tid, address, words, count * sizeof *words) : 0;
}

int Detach(pid_t tid, int signal) {
  // PTRACE_DETACH itself delivers signals only in a signal-delivery-stop (ptrace(2)).
  if (signal) syscall(SYS_tkill, tid, signal);
  return Request(PTRACE_DETACH, tid, nullptr, nullptr);
}

std::vector<Stop> LetGo(const std::vector<pid_t>& tids, std::set<pid_t>* stop_signals,
                        std::vector<pid_t>* traced) {
  std::vector<Stop> results;
  std::set<pid_t> gone, dying;
  for (const pid_t tid : tids) {
    const int error = Detach(tid, stop_signals->erase(tid) ? SIGSTOP : 0);
    (error ? dying : gone).insert(tid);
    results.push_back({tid, error});
  }
  const auto is_gone = [&gone](pid_t tid) { return gone.count(tid) || Reap(tid); };
  const auto is_dying = [&dying](pid_t tid) { return dying.count(tid) || IsDead(tid); };
  for (const int64_t deadline = NowMs() + kReapLimitMs;; AwaitTracee(kLookMs)) {
    traced->erase(std::remove_if(traced->begin(), traced->end(), is_gone), traced->end());
    if (NowMs() > deadline || std::none_of(traced->begin(), traced->end(), is_dying)) break;
  }
  return results;
}

}  // namespace mvas
