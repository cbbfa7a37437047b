// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_LIVENESS_H_
#define MVAS_LIVENESS_H_

#include <stdint.h>
#include <sys/types.h>

namespace mvas {

// Whether the program that a tracing process works for is active: its main thread reports, or it
// uses processor time. A thread that waits in the kernel for a process that we have stopped does
// neither.
class Liveness {
 public:
  // Must be created on the main thread.
  Liveness();

  // Reports activity. From now on, silence of `limit_ms` counts; 0: none does.
  void Hear(int64_t limit_ms);

  bool IsWatched() const { return limit_ms_ > 0; }

  // Checks it, at least every kLookMs while it is watched. True once it has been silent too long.
  bool IsSilent();

  static constexpr int64_t kLookMs = 1'000;

 private:
  pid_t pid_;
  int64_t limit_ms_ = 0;
  int64_t heard_ms_ = 0;
  uint64_t ticks_ = 0;  // of processor time, at the last look
};

}  // namespace mvas

#endif
