// SPDX-License-Identifier: Apache-2.0
// Where the requests of a tracing session run: not a thread but a process of its own that shares
// our memory and descriptors. A SIGKILL that ends us does not end it, so it can put back what it is
// changing; then it ends, too.
#ifndef MVAS_TRACING_PROCESS_H_
#define MVAS_TRACING_PROCESS_H_

#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <thread>
#include <vector>

namespace mvas {

class TracingProcess {
 public:
  // Runs `work` there; on a thread instead if no process can be created.
  explicit TracingProcess(std::function<void()> work);

  // Waits until `work` has returned.
  void Join() { thread_.join(); }

 private:
  std::thread thread_;  // lends its thread-local storage, and waits
};

// Milliseconds since some moment.
int64_t NowMs();

// Sleeps until a tracee of the calling tracing process has stopped or died, for at most that many
// milliseconds. False: nothing has happened. Wake-ups may be spurious.
bool AwaitTracee(int64_t timeout_ms);

// Reaps a dead tracee of the calling tracing process, so that its parent is told. False: it is
// alive, or others of its process have to be reaped first. Does nothing on a thread.
bool Reap(pid_t tid);

// While one exists, the calling tracing process reaps those of `tids` that have died, also while it
// waits in a ptrace request: a thread that calls execve(2) holds what PTRACE_SEIZE waits for, until
// the others of its process are reaped (fs/exec.c, de_thread). On a thread it does nothing.
class ReapingScope {
 public:
  explicit ReapingScope(const std::vector<pid_t>* tids);
  ~ReapingScope();
  ReapingScope(const ReapingScope&) = delete;
  ReapingScope& operator=(const ReapingScope&) = delete;
};

// While one exists, the calling tracing process outlives us. Nothing in between may wait for a
// lock, including the allocator's: its holder may have died.
class OutlivingScope {
 public:
  OutlivingScope();
  ~OutlivingScope();  // does not return if we have died
  OutlivingScope(const OutlivingScope&) = delete;
  OutlivingScope& operator=(const OutlivingScope&) = delete;

 private:
  pid_t parent_;  // 0: not in a tracing process
};

}  // namespace mvas

#endif
