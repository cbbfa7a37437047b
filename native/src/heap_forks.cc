// SPDX-License-Identifier: Apache-2.0
#include "heap_forks.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <string>

namespace mvas {
namespace {

using Range = HeapInForks::Range;

// The ranges that are left behind: flag "dc" (proc(5), smaps).
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
// pages for smaps, which takes longer than a fork does.
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

}  // namespace

HeapInForks::HeapInForks() : ranges_(LeftBehind()) { Advise(ranges_, MADV_DOFORK); }

// As V8 requires: a copy starts programs, too.
HeapInForks::~HeapInForks() { Advise(ranges_, MADV_DONTFORK); }

}  // namespace mvas
