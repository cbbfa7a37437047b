// SPDX-License-Identifier: Apache-2.0
import type { CoreEntry, ThreadInfoX86, UserX86RegsEntry } from '../../image/types.js';

const REGS: UserX86RegsEntry = {
  r15: 0n,
  r14: 0n,
  r13: 0n,
  r12: 0n,
  bp: 0n,
  bx: 0n,
  r11: 0x246n,
  r10: 0n,
  r9: 0n,
  r8: 0n,
  ax: 0xffff_ffff_ffff_fe00n,
  cx: 0n,
  dx: 0n,
  si: 0n,
  di: 0n,
  orig_ax: 35n,
  ip: 0x40_1000n,
  cs: 0x33n,
  flags: 0x246n,
  sp: 0x7ffc_0000_0f00n,
  ss: 0x2bn,
  fs_base: 0n,
  gs_base: 0n,
  ds: 0n,
  es: 0n,
  fs: 0n,
  gs: 0n,
};

const INFO: ThreadInfoX86 = {
  clear_tid_addr: 0n,
  gpregs: REGS,
  fpregs: {
    cwd: 0x37f,
    swd: 0,
    twd: 0,
    fop: 0,
    rip: 0n,
    rdp: 0n,
    mxcsr: 0x1f80,
    mxcsr_mask: 0xffff,
    st_space: new Array<number>(32).fill(0),
    xmm_space: new Array<number>(64).fill(7),
    padding: [],
  },
  tls: [],
};

/** What a core file has of the processor: a thread that sleeps in a system call. */
export const SAMPLE_THREAD = {
  mtype: 'X86_64',
  thread_info: INFO,
} as const satisfies Pick<CoreEntry, 'mtype' | 'thread_info'>;
