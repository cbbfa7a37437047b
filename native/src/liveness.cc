// SPDX-License-Identifier: Apache-2.0
#include "liveness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tracing_process.h"

namespace mvas {
namespace {

// Processor time of the main thread of a process; true if it runs, or waits for its turn.
bool IsRunning(pid_t pid, uint64_t* ticks) {
  char text[512];
  snprintf(text, sizeof text, "/proc/%d/task/%d/stat", pid, pid);
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  text[length > 0 ? length : 0] = 0;
  const char* rest = strrchr(text, ')');
  char state = 0;
  unsigned long user = 0, system = 0;
  const char* format = ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu";
  if (!rest || sscanf(rest, format, &state, &user, &system) != 3) return false;
  *ticks = user + system;
  return state == 'R';
}

}  // namespace

Liveness::Liveness() : pid_(getpid()) {}

void Liveness::Hear(int64_t limit_ms) {
  limit_ms_ = limit_ms;
  heard_ms_ = NowMs();
}

bool Liveness::IsSilent() {
  const int64_t silence = NowMs() - heard_ms_;
  if (silence < kLookMs) return false;
  uint64_t ticks = ticks_;
  const bool goes_on = IsRunning(pid_, &ticks) || ticks != ticks_;
  ticks_ = ticks;
  if (goes_on) heard_ms_ = NowMs();
  return !goes_on && silence >= limit_ms_;
}

}  // namespace mvas
