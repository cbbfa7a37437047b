// SPDX-License-Identifier: Apache-2.0
#include "fork_binding.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap_forks.h"

// libuv is part of the node executable, its headers are not part of ours (uv.h).
extern "C" int uv_loop_fork(struct uv_loop_s* loop);

namespace mvas {
namespace {

int Reap(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -errno;
  }
  if (!WIFEXITED(status)) return -ECHILD;
  return WEXITSTATUS(status) == 0 ? pid : -WEXITSTATUS(status);
}

// Forks a child that init adopts, and that leads a session. Its parent ends at once and is created
// by vfork(2), so page tables are copied only once. What that parent changes, except for the stack,
// also changes for us; fork(3) leaves everything as it was. Returns 0 in the child, -errno on
// failure.
int ForkOrphan() {
  const pid_t between = vfork();
  if (between < 0) return -errno;
  if (between > 0) return Reap(between);
  const pid_t pid = fork();
  if (pid != 0) _exit(pid < 0 ? errno : 0);
  setsid();
  return 0;
}

}  // namespace

Napi::Value ForkAway(const Napi::CallbackInfo& info) {
  const auto result = [&](int value) { return Napi::Number::New(info.Env(), value); };
  uv_loop_s* loop;
  if (napi_get_uv_event_loop(info.Env(), &loop) != napi_ok) return result(-ENOSYS);
  const int pid = [] {
    const HeapInForks heap;
    return ForkOrphan();
  }();
  if (pid == 0 && uv_loop_fork(loop) != 0) _exit(1);
  return result(pid);
}

}  // namespace mvas
