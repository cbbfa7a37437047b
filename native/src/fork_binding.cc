// SPDX-License-Identifier: Apache-2.0
#include "fork_binding.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// libuv is part of the node executable, its headers are not part of ours (uv.h).
extern "C" int uv_loop_fork(struct uv_loop_s* loop);

namespace mvas {
namespace {

// V8 keeps its heap out of forks (MADV_DONTFORK), since a fork usually ends in an execve(2).
// Not so here: takes all private memory along.
bool TakeMemoryAlong() {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return false;
  char line[4352];
  unsigned long start, end;
  char kind;
  while (fgets(line, sizeof(line), maps) != nullptr) {
    if (sscanf(line, "%lx-%lx %*3c%c", &start, &end, &kind) != 3 || kind != 'p') continue;
    // Fails for what the kernel maps itself, which a fork has anyway.
    madvise(reinterpret_cast<void*>(start), end - start, MADV_DOFORK);
  }
  fclose(maps);
  return true;
}

// In the child of the fork: leaves a child of its own behind, which init adopts, and ends.
void ForkAgain() {
  const pid_t pid = fork();
  if (pid != 0) _exit(pid < 0 ? errno : 0);
  setsid();
}

int Reap(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -errno;
  }
  if (!WIFEXITED(status)) return -ECHILD;
  return WEXITSTATUS(status) == 0 ? pid : -WEXITSTATUS(status);
}

}  // namespace

Napi::Value ForkAway(const Napi::CallbackInfo& info) {
  const auto result = [&](int value) { return Napi::Number::New(info.Env(), value); };
  uv_loop_s* loop;
  if (napi_get_uv_event_loop(info.Env(), &loop) != napi_ok) return result(-ENOSYS);
  if (!TakeMemoryAlong()) return result(-errno);
  const pid_t pid = fork();
  if (pid < 0) return result(-errno);
  if (pid > 0) return result(Reap(pid));
  ForkAgain();
  if (uv_loop_fork(loop) != 0) _exit(1);
  return result(0);
}

}  // namespace mvas
