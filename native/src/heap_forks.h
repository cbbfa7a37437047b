// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

#include <vector>

namespace mvas {

// V8 keeps its heap out of forks (MADV_DONTFORK), since a fork usually ends in an execve(2). While
// one of these lives, forks take it along.
class HeapInForks {
 public:
  HeapInForks();
  ~HeapInForks();
  HeapInForks(const HeapInForks&) = delete;
  HeapInForks& operator=(const HeapInForks&) = delete;

  struct Range {
    void* start;
    size_t length;
  };

 private:
  const std::vector<Range>& ranges_;
};

}  // namespace mvas
