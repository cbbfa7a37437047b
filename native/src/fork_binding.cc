// SPDX-License-Identifier: Apache-2.0
#include "fork_binding.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

// libuv is part of the node executable, its headers are not part of ours (uv.h).
extern "C" int uv_loop_fork(struct uv_loop_s* loop);

namespace mvas {
namespace {

struct Range {
  void* start;
  size_t length;
};

// V8 keeps its heap out of forks (MADV_DONTFORK), since a fork usually ends in an execve(2). These
// are the ranges of which that is so: flag "dc" (proc(5), smaps).
std::vector<Range> FindLeftBehind() {
  std::vector<Range> ranges;
  FILE* maps = fopen("/proc/self/smaps", "re");
  if (maps == nullptr) return ranges;
  char line[4352];
  unsigned long start = 0, end = 0, from, to;
  while (fgets(line, sizeof(line), maps) != nullptr) {
    if (strncmp(line, "VmFlags:", 8) == 0) {
      if (strstr(line, " dc") != nullptr)
        ranges.push_back({reinterpret_cast<void*>(start), end - start});
    } else if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
      start = from;
      end = to;
    }
  }
  fclose(maps);
  return ranges;
}

std::string ReadMaps() {
  std::string text;
  char part[1 << 14];
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return text;
  for (size_t got; (got = fread(part, 1, sizeof(part), maps)) > 0;) text.append(part, got);
  fclose(maps);
  return text;
}

// The same, looked for only where there are other mappings than the last time: the kernel counts
// pages for smaps, which takes longer than the fork does.
const std::vector<Range>& LeftBehind() {
  static std::string seen;
  static std::vector<Range> ranges;
  std::string maps = ReadMaps();
  if (maps != seen || maps.empty()) ranges = FindLeftBehind();
  seen = std::move(maps);
  return ranges;
}

void Advise(const std::vector<Range>& ranges, int advice) {
  for (const Range& range : ranges) madvise(range.start, range.length, advice);
}

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
  const std::vector<Range>& heap = LeftBehind();
  Advise(heap, MADV_DOFORK);
  const int pid = ForkOrphan();
  // As V8 requires: the copy starts programs, too.
  Advise(heap, MADV_DONTFORK);
  if (pid == 0 && uv_loop_fork(loop) != 0) _exit(1);
  return result(pid);
}

}  // namespace mvas
