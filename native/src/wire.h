// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_WIRE_H_
#define MVAS_WIRE_H_

#include <stddef.h>
#include <stdint.h>

namespace mvas {

// Reads encoded messages, and never beyond an end.
struct WireCursor {
  const uint8_t* bytes;
  size_t at, end;

  // Skips a tag; false, and nothing is skipped, if another follows.
  bool Skip(uint32_t tag) {
    size_t from = at;
    for (; tag >= 0x80; tag >>= 7) {
      if (from >= end || bytes[from++] != ((tag & 0x7f) | 0x80)) return false;
    }
    if (from >= end || bytes[from] != tag) return false;
    at = from + 1;
    return true;
  }

  // Reads a varint; false if it does not end, or has more bytes than one that a double holds.
  bool Varint(uint64_t* value) {
    *value = 0;
    for (size_t i = 0; i < kMaxVarint && at < end; i++) {
      const uint8_t byte = bytes[at++];
      *value |= uint64_t{byte & 0x7fu} << (7 * i);
      if (byte < 0x80) return true;
    }
    return false;
  }

  static constexpr size_t kMaxVarint = 8;
};

}  // namespace mvas

#endif
