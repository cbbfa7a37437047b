// SPDX-License-Identifier: Apache-2.0
// Memory of ours in tracees: a page of code, scratch memory, and a frame for each thread that
// leads it home. What is written there, and where, is decided above.
#ifndef MVAS_RESIDENCE_H_
#define MVAS_RESIDENCE_H_

#include <stdint.h>
#include <sys/types.h>

#include <vector>

#include "arch.h"
#include "tracer.h"

namespace mvas {

// Bytes to be written at an offset of the memory; somebody else owns them.
struct Piece {
  uint64_t at;
  uint8_t* bytes;
  uint64_t length;
};

// A thread, and the registers that send it to its call site. Addresses are relative to the memory.
struct Resident {
  pid_t tid;
  Registers registers;
};

// A process, whose first thread maps the memory.
struct Residence {
  pid_t pid;
  // Of a system call instruction in the process, and what to give the first thread afterwards.
  uint64_t instruction;
  uint64_t signal_mask;
  Registers resume;
  RemoteCall map;
  uint64_t size;
  std::vector<Piece> pieces;
  std::vector<uint64_t> pointers;  // offsets of words to which the memory's address is added
  std::vector<Resident> residents;
  RemoteCall protect;  // its first argument is relative
};

struct MovedIn {
  int error = 0;        // -errno; what was mapped stays
  int64_t address = 0;  // where it is mapped, or why it is not: a result of mmap(2); 0: not tried
  int64_t protect = 0;  // result of the last call
};

// Reads residences from words and the bytes of their pieces, one after the other; the words of
// each:
//
//     pid, instruction, signal mask, size, numbers of pieces, pointers and residents,
//     the two calls (7 each), registers to resume with,
//     of each piece where it begins and its length; pointers; of each resident its tid and
//     registers
//
// Throws std::out_of_range if they do not match.
std::vector<Residence> ReadResidences(const std::vector<uint64_t>& words, uint8_t* bytes,
                                      size_t length);

// Maps the memory by one exposed call (ExposedCalls), fills it from outside, sends all threads
// there (Settle), and makes one more call by the first of them. Changes the pieces. -ENOEXEC: there
// is no such instruction; nothing was done.
MovedIn MoveIn(const Residence& residence, bool* stop_signal, const Late& late);

}  // namespace mvas

#endif
