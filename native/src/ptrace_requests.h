// SPDX-License-Identifier: Apache-2.0
// Shorthands for requests of ptrace(2), only for the tracer.
#ifndef MVAS_PTRACE_REQUESTS_H_
#define MVAS_PTRACE_REQUESTS_H_

#include <elf.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "arch.h"

namespace mvas {

// How often a long request is checked.
constexpr int64_t kLookMs = 10;

inline int Request(int request, pid_t tid, void* address, void* data) {
  return ptrace(static_cast<__ptrace_request>(request), tid, address, data) == -1 ? -errno : 0;
}

inline void* Word(unsigned long value) { return reinterpret_cast<void*>(value); }

inline int Event(int status) { return status >> 16; }

inline int GetRegisters(pid_t tid, Registers* registers) {
  iovec vector = {registers, sizeof *registers};
  return Request(PTRACE_GETREGSET, tid, Word(NT_PRSTATUS), &vector);
}

inline int SetRegisters(pid_t tid, const Registers& registers) {
  iovec vector = {const_cast<Registers*>(&registers), sizeof registers};
  return Request(PTRACE_SETREGSET, tid, Word(NT_PRSTATUS), &vector);
}

}  // namespace mvas

#endif
