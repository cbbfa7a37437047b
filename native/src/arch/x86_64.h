// SPDX-License-Identifier: Apache-2.0
// The processor-specific part of the tracer. Another architecture is another file like this
// (arch.h).
#ifndef MVAS_SRC_ARCH_X86_64_H_
#define MVAS_SRC_ARCH_X86_64_H_

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
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
