// SPDX-License-Identifier: Apache-2.0
// The processor-specific part of the tracer. Another architecture is another file like this
// (arch.h).
#ifndef MVAS_SRC_ARCH_X86_64_H_
#define MVAS_SRC_ARCH_X86_64_H_

#include <cpuid.h>
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/user.h>

namespace mvas {

// General registers, as ptrace has them by NT_PRSTATUS.
using Registers = user_regs_struct;

// The note of the extended state, and its maximum size.
constexpr unsigned long kExtendedNote = NT_X86_XSTATE;
constexpr size_t kExtendedMax = 16384;

inline uint64_t InstructionPointer(const Registers& registers) { return registers.rip; }

// Sends a thread elsewhere. The kernel will not restart whatever this interrupted.
inline void SetInstruction(Registers* registers, uint64_t instruction) {
  registers->rip = instruction;
  registers->orig_rax = ~0ull;
}

inline uint64_t StackPointer(const Registers& registers) { return registers.rsp; }

// Adds an address to what points to a call site.
inline void Relocate(Registers* registers, uint64_t address) {
  registers->rip += address;
  registers->rsp += address;
}

// Where the rights of a thread to memory with protection keys (PKRU) lie in its extended state, in
// bytes; 0 on processors without keys. Processors differ (Intel SDM 1, 13.5.7).
inline uint32_t RightsOffset() {
  constexpr unsigned kExtended = 0xd, kRights = 9;
  unsigned size = 0, offset = 0, c = 0, d = 0;
  if (!__get_cpuid_count(kExtended, kRights, &size, &offset, &c, &d) || size == 0) return 0;
  return offset;
}

// Whether the kernel uses protection keys: not only the processor has them.
inline bool HasProtectionKeys() {
  constexpr unsigned kFeatures = 7, kOspke = 1 << 4;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(kFeatures, 0, &a, &b, &c, &d) && (c & kOspke) != 0;
}

// Completes the extended state of a thread that has not run since its execve(2). It has no
// component at all, and its rights are those that all programs begin with, but the kernel shows
// none, and would set none that are denied (fpu_reset_fpregs, __copy_xstate_to_uabi_buf; seen on
// Linux 6.18).
inline void CompleteExtended(uint8_t* state, size_t size) {
  constexpr size_t kPresent = 512;
  constexpr uint64_t kRights = 1 << 9;
  constexpr uint32_t kFirst = 0x55555554;  // All keys but 0 are denied (init_pkru).
  const uint32_t offset = RightsOffset();
  if (offset == 0 || size < offset + sizeof kFirst || !HasProtectionKeys()) return;
  uint64_t present;
  memcpy(&present, state + kPresent, sizeof present);
  if (present != 0) return;
  memcpy(state + kPresent, &kRights, sizeof kRights);
  memcpy(state + offset, &kFirst, sizeof kFirst);
}

// Whether the instruction at the beginning of a word makes a system call.
inline bool StartsWithCall(uint64_t word) { return (word & 0xffff) == 0x050f; }

// What a system call has returned.
inline int64_t CallResult(const Registers& registers) {
  return static_cast<int64_t>(registers.rax);
}

// Turns `registers` into those of a thread that is about to make a system call by the instruction
// at `instruction`, on the stack at `stack` (0: unchanged). The kernel will not restart whatever
// this interrupted.
inline void SetCall(Registers* registers, uint64_t instruction, uint64_t stack, uint64_t nr,
                    const uint64_t (&args)[6]) {
  registers->rip = instruction;
  if (stack) registers->rsp = stack;
  registers->eflags &= ~0x500ull;  // neither single step nor backward string operations
  registers->rax = nr;
  registers->orig_rax = ~0ull;
  registers->rdi = args[0];
  registers->rsi = args[1];
  registers->rdx = args[2];
  registers->r10 = args[3];
  registers->r8 = args[4];
  registers->r9 = args[5];
}

// Turns `registers` into those of a thread that is about to run the code of batches at `code`
// (src/criu/arch/x86-64/home.ts) over `count` calls in `table`.
inline void SetBatch(Registers* registers, uint64_t code, uint64_t table, uint64_t count) {
  registers->rip = code;
  registers->eflags &= ~0x500ull;
  registers->orig_rax = ~0ull;
  registers->rbx = table;
  registers->rbp = count;
}

}  // namespace mvas

#endif
