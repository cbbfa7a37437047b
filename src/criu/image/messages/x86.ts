// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/x86.proto; do not edit.
/** Registers and processor features of x86-64. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** Whether the task was in 64-bit or 32-bit mode. */
export type UserX86RegsMode = 'NATIVE' | 'COMPAT';
export type Vendor = 'UNKNOWN' | 'INTEL' | 'AMD';

/** General registers, as struct user_regs_struct. */
export interface UserX86RegsEntry {
  r15: bigint;
  r14: bigint;
  r13: bigint;
  r12: bigint;
  bp: bigint;
  bx: bigint;
  r11: bigint;
  r10: bigint;
  r9: bigint;
  r8: bigint;
  ax: bigint;
  cx: bigint;
  dx: bigint;
  si: bigint;
  di: bigint;
  orig_ax: bigint;
  ip: bigint;
  cs: bigint;
  flags: bigint;
  sp: bigint;
  ss: bigint;
  fs_base: bigint;
  gs_base: bigint;
  ds: bigint;
  es: bigint;
  fs: bigint;
  gs: bigint;
  mode?: UserX86RegsMode | undefined;
}

/** Shadow stack state. */
export interface UserX86CetEntry {
  cet: bigint;
  ssp: bigint;
}

/** Extended states beyond the FXSAVE area. */
export interface UserX86XsaveEntry {
  xstate_bv: bigint;
  ymmh_space: number[];
  bndreg_state: bigint[];
  bndcsr_state: bigint[];
  opmask_reg: bigint[];
  zmm_upper: bigint[];
  hi16_zmm: bigint[];
  pkru: number[];
  cet?: UserX86CetEntry | undefined;
}

/** The FXSAVE area. */
export interface UserX86FpregsEntry {
  cwd: number;
  swd: number;
  twd: number;
  fop: number;
  rip: bigint;
  rdp: bigint;
  mxcsr: number;
  mxcsr_mask: number;
  st_space: number[];
  xmm_space: number[];
  padding: number[];
  xsave?: UserX86XsaveEntry | undefined;
}

/** One slot of thread-local storage, as struct user_desc. */
export interface UserDescT {
  entry_number: number;
  base_addr: number;
  limit: number;
  seg_32bit: boolean;
  contents_h: boolean;
  contents_l: boolean;
  read_exec_only: boolean;
  limit_in_pages: boolean;
  seg_not_present: boolean;
  usable: boolean;
}

/** All registers of a thread. */
export interface ThreadInfoX86 {
  clear_tid_addr: bigint;
  gpregs: UserX86RegsEntry;
  fpregs: UserX86FpregsEntry;
  tls: UserDescT[];
}

/** Processor the image was taken on. */
export interface CpuinfoX86Entry {
  vendor_id: Vendor;
  cpu_family: number;
  model: number;
  stepping: number;
  capability_ver: number;
  capability: number[];
  model_id?: string | undefined;
  xfeatures_mask?: bigint | undefined;
  xsave_size?: number | undefined;
  xsave_size_max?: number | undefined;
}

/** Processors the image was taken on. */
export interface CpuinfoEntry {
  x86_entry: CpuinfoX86Entry[];
}

/** Field tables of this file's messages. */
export const X86_MESSAGES = {
  user_x86_regs_entry: [
    ['r15', 1, 'required', 'uint64'],
    ['r14', 2, 'required', 'uint64'],
    ['r13', 3, 'required', 'uint64'],
    ['r12', 4, 'required', 'uint64'],
    ['bp', 5, 'required', 'uint64'],
    ['bx', 6, 'required', 'uint64'],
    ['r11', 7, 'required', 'uint64'],
    ['r10', 8, 'required', 'uint64'],
    ['r9', 9, 'required', 'uint64'],
    ['r8', 10, 'required', 'uint64'],
    ['ax', 11, 'required', 'uint64'],
    ['cx', 12, 'required', 'uint64'],
    ['dx', 13, 'required', 'uint64'],
    ['si', 14, 'required', 'uint64'],
    ['di', 15, 'required', 'uint64'],
    ['orig_ax', 16, 'required', 'uint64'],
    ['ip', 17, 'required', 'uint64'],
    ['cs', 18, 'required', 'uint64'],
    ['flags', 19, 'required', 'uint64'],
    ['sp', 20, 'required', 'uint64'],
    ['ss', 21, 'required', 'uint64'],
    ['fs_base', 22, 'required', 'uint64'],
    ['gs_base', 23, 'required', 'uint64'],
    ['ds', 24, 'required', 'uint64'],
    ['es', 25, 'required', 'uint64'],
    ['fs', 26, 'required', 'uint64'],
    ['gs', 27, 'required', 'uint64'],
    ['mode', 28, 'optional', 'user_x86_regs_mode'],
  ],
  user_x86_cet_entry: [
    ['cet', 1, 'required', 'uint64'],
    ['ssp', 2, 'required', 'uint64'],
  ],
  user_x86_xsave_entry: [
    ['xstate_bv', 1, 'required', 'uint64'],
    ['ymmh_space', 2, 'repeated', 'uint32'],
    ['bndreg_state', 3, 'repeated', 'uint64'],
    ['bndcsr_state', 4, 'repeated', 'uint64'],
    ['opmask_reg', 5, 'repeated', 'uint64'],
    ['zmm_upper', 6, 'repeated', 'uint64'],
    ['hi16_zmm', 7, 'repeated', 'uint64'],
    ['pkru', 8, 'repeated', 'uint32'],
    ['cet', 9, 'optional', 'user_x86_cet_entry'],
  ],
  user_x86_fpregs_entry: [
    ['cwd', 1, 'required', 'uint32'],
    ['swd', 2, 'required', 'uint32'],
    ['twd', 3, 'required', 'uint32'],
    ['fop', 4, 'required', 'uint32'],
    ['rip', 5, 'required', 'uint64'],
    ['rdp', 6, 'required', 'uint64'],
    ['mxcsr', 7, 'required', 'uint32'],
    ['mxcsr_mask', 8, 'required', 'uint32'],
    ['st_space', 9, 'repeated', 'uint32'],
    ['xmm_space', 10, 'repeated', 'uint32'],
    ['padding', 11, 'repeated', 'uint32'],
    ['xsave', 13, 'optional', 'user_x86_xsave_entry'],
  ],
  user_desc_t: [
    ['entry_number', 1, 'required', 'uint32'],
    ['base_addr', 2, 'required', 'uint32'],
    ['limit', 3, 'required', 'uint32'],
    ['seg_32bit', 4, 'required', 'bool'],
    ['contents_h', 5, 'required', 'bool'],
    ['contents_l', 6, 'required', 'bool'],
    ['read_exec_only', 7, 'required', 'bool'],
    ['limit_in_pages', 8, 'required', 'bool'],
    ['seg_not_present', 9, 'required', 'bool'],
    ['usable', 10, 'required', 'bool'],
  ],
  thread_info_x86: [
    ['clear_tid_addr', 1, 'required', 'uint64'],
    ['gpregs', 2, 'required', 'user_x86_regs_entry'],
    ['fpregs', 3, 'required', 'user_x86_fpregs_entry'],
    ['tls', 4, 'repeated', 'user_desc_t'],
  ],
  cpuinfo_x86_entry: [
    ['vendor_id', 1, 'required', 'vendor'],
    ['cpu_family', 2, 'required', 'uint32'],
    ['model', 3, 'required', 'uint32'],
    ['stepping', 4, 'required', 'uint32'],
    ['capability_ver', 5, 'required', 'uint32'],
    ['capability', 6, 'repeated', 'uint32'],
    ['model_id', 7, 'optional', 'string'],
    ['xfeatures_mask', 8, 'optional', 'uint64'],
    ['xsave_size', 9, 'optional', 'uint32'],
    ['xsave_size_max', 10, 'optional', 'uint32'],
  ],
  cpuinfo_entry: [['x86_entry', 1, 'repeated', 'cpuinfo_x86_entry']],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const X86_ENUMS = {
  user_x86_regs_mode: { NATIVE: 1, COMPAT: 2 },
  vendor: { UNKNOWN: 0, INTEL: 1, AMD: 2 },
} as const satisfies EnumTables;
