// SPDX-License-Identifier: Apache-2.0
#include "tracing_process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace mvas {
namespace {

constexpr size_t kStackSize = 512 * 1024;

struct Start {
  const std::function<void()>* work;
  pid_t parent;
};

// Who has died before is not told any more, so that is looked at.
void DieWith(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

int Main(void* argument) {
  const Start& start = *static_cast<Start*>(argument);
  prctl(PR_SET_NAME, "mvas-tracer");
  DieWith(start.parent);
  (*start.work)();
  return 0;
}

// Like a vfork(2) from a thread: the child uses the thread's stack and thread-local storage, while
// the thread itself stays in the kernel. No signal is handled on either side, and none tells the
// child's end (exit signal 0), so that nobody else waits for it.
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
  // Killed by somebody: as if it were a thread of ours.
  if (status != 0) kill(getpid(), SIGKILL);
}

}  // namespace

TracingProcess::TracingProcess(std::function<void()> work)
    : thread_([work = std::move(work)] { RunThere(work); }) {}

// On a thread, which is no leader of a thread group, there is nothing that could outlive us.
OutlivingScope::OutlivingScope() : parent_(gettid() == getpid() ? getppid() : 0) {
  if (parent_) prctl(PR_SET_PDEATHSIG, 0);
}

OutlivingScope::~OutlivingScope() {
  if (parent_) DieWith(parent_);
}

}  // namespace mvas
