// SPDX-License-Identifier: Apache-2.0
#include "tracing_process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <utility>

namespace mvas {
namespace {

constexpr size_t kStackSize = 512 * 1024;
constexpr int64_t kThreadPollNs = 200'000;
constexpr suseconds_t kReapEveryUs = 5'000;

struct Start {
  const std::function<void()>* work;
  pid_t parent;
};

// A death before this is not reported any more, so it is checked for.
void DieWith(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

// On a thread, the leader of its group is another.
bool InTracingProcess() { return gettid() == getpid(); }

sigset_t Only(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

thread_local const std::vector<pid_t>* reaped = nullptr;

void ReapDead(int) {
  const int saved = errno;
  for (const pid_t tid : *reaped) Reap(tid);
  errno = saved;
}

void Tick(suseconds_t every_us) {
  const itimerval timer = {{0, every_us}, {0, every_us}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

int Main(void* argument) {
  const Start& start = *static_cast<Start*>(argument);
  prctl(PR_SET_NAME, "mvas-tracer");
  DieWith(start.parent);
  signal(SIGCHLD, SIG_DFL);  // blocked, so it stays pending for AwaitTracee; actions are not shared
  (*start.work)();
  return 0;
}

// Like a vfork(2) from a thread: the child uses the thread's stack and thread-local storage, while
// the thread itself stays in the kernel. No signal is handled on either side, and none reports the
// child's end (exit signal 0), so nobody else waits for it.
void RunThere(const std::function<void()>& work) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  alignas(64) char stack[kStackSize];
  Start start = {&work, getpid()};
  const pid_t child = clone(Main, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES, &start);
  if (child < 0) return work();
  int status = 0;
  while (syscall(SYS_wait4, child, &status, __WCLONE, nullptr) < 0 && errno == EINTR) continue;
  // Killed by another process: treated as if it were a thread of ours.
  if (status != 0) kill(getpid(), SIGKILL);
}

}  // namespace

TracingProcess::TracingProcess(std::function<void()> work)
    : thread_([work = std::move(work)] { RunThere(work); }) {}

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool AwaitTracee(int64_t timeout_ms) {
  if (!InTracingProcess()) {  // where SIGCHLD is libuv's
    const timespec pause = {0, kThreadPollNs};
    nanosleep(&pause, nullptr);
    return false;
  }
  const sigset_t child = Only(SIGCHLD);
  const timespec limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
  return sigtimedwait(&child, nullptr, &limit) == SIGCHLD;
}

// One by one: a wait for any of them would consume stops.
bool Reap(pid_t tid) {
  if (!InTracingProcess()) return false;  // we may be its parent, and are told by libuv
  const auto id = static_cast<id_t>(tid);
  siginfo_t info{};
  if (waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT | __WALL)) return errno == ECHILD;
  if (!info.si_pid || info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED) return false;
  return waitid(P_PID, id, &info, WEXITED | WNOHANG | __WALL) == 0;
}

ReapingScope::ReapingScope(const std::vector<pid_t>* tids) {
  if (!InTracingProcess()) return;
  reaped = tids;
  signal(SIGALRM, ReapDead);
  const sigset_t alarm = Only(SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
  Tick(kReapEveryUs);
}

ReapingScope::~ReapingScope() {
  if (!InTracingProcess()) return;
  Tick(0);
  const sigset_t alarm = Only(SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
}

// A thread that does not lead a thread group cannot outlive us.
OutlivingScope::OutlivingScope() : parent_(InTracingProcess() ? getppid() : 0) {
  if (parent_) prctl(PR_SET_PDEATHSIG, 0);
}

OutlivingScope::~OutlivingScope() {
  if (parent_) DieWith(parent_);
}

}  // namespace mvas
