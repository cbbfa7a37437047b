// SPDX-License-Identifier: Apache-2.0
import { badImage, ShimError } from '../../../common/errors.js';
import type { UserX86FpregsEntry } from '../../image/types.js';
import { reader } from '../../../native/structures.js';

/*
 * XSAVE area, not compacted, as PTRACE_GETREGSET gives it (Intel SDM 1, 13.4):
 *
 *   0    FXSAVE: control words, 8 x87 registers (32), 16 SSE registers (160), spare (416)
 *   512  header: components present, then reserved
 *   576  upper halves of 16 YMM registers (component 2); the rest lies where CPUID says
 */
const LEGACY = { swd: 2, twd: 4, fop: 6, ip: 8, dp: 16, mxcsr: 24, mxcsrMask: 28, st: 32 } as const;
const XMM = 160;
const PADDING = 416;
const HEADER = 512;
const YMM = 576;
const YMM_END = 832;
/** Room for everything that processors without AMX have. */
export const EXTENDED_BYTES = 4096;
/** The largest area of today's processors (with AMX), rounded up. */
const MOST_BYTES = 16384;
/** Components x87, SSE, AVX: those whose offsets are the same on all processors. */
const COMMON_COMPONENTS = 7n;

/** The last area that was decoded, and what it has. */
let last: { readonly xstate: Uint8Array; readonly fpregs: UserX86FpregsEntry } | undefined;

/**
 * The parts of an XSAVE area that CRIU's messages have and whose offsets are known. Many threads have the same state as
 * the one before, and then get the same object, which nobody changes, so that it is encoded once.
 */
export function decodeFpregs(xstate: Uint8Array): UserX86FpregsEntry {
  if (last && Buffer.compare(last.xstate, xstate) === 0) return last.fpregs;
  const fpregs = Object.freeze(decode(xstate));
  last = { xstate: xstate.slice(), fpregs };
  return fpregs;
}

function decode(xstate: Uint8Array): UserX86FpregsEntry {
  if (xstate.length < YMM) {
    throw new ShimError('internal', `read extended state: ${String(xstate.length)} bytes`);
  }
  const view = reader(xstate);
  return {
    cwd: view.readUInt16LE(0),
    swd: view.readUInt16LE(LEGACY.swd),
    twd: view.readUInt16LE(LEGACY.twd),
    fop: view.readUInt16LE(LEGACY.fop),
    rip: view.readBigUInt64LE(LEGACY.ip),
    rdp: view.readBigUInt64LE(LEGACY.dp),
    mxcsr: view.readUInt32LE(LEGACY.mxcsr),
    mxcsr_mask: view.readUInt32LE(LEGACY.mxcsrMask),
    st_space: numbers(view, LEGACY.st, XMM),
    xmm_space: numbers(view, XMM, PADDING),
    padding: numbers(view, PADDING, HEADER),
    xsave: {
      xstate_bv: view.readBigUInt64LE(HEADER),
      ymmh_space: xstate.length >= YMM_END ? numbers(view, YMM, YMM_END) : [],
      bndreg_state: [],
      bndcsr_state: [],
      opmask_reg: [],
      zmm_upper: [],
      hi16_zmm: [],
      pkru: [],
    },
  };
}

/** An XSAVE area of x87, SSE and AVX state, for an image without ours. */
export function encodeFpregs(fpregs: UserX86FpregsEntry): Uint8Array {
  const area = Buffer.alloc(YMM_END);
  area.writeUInt16LE(fpregs.cwd & 0xffff, 0);
  area.writeUInt16LE(fpregs.swd & 0xffff, LEGACY.swd);
  area.writeUInt16LE(fpregs.twd & 0xffff, LEGACY.twd);
  area.writeUInt16LE(fpregs.fop & 0xffff, LEGACY.fop);
  area.writeBigUInt64LE(fpregs.rip, LEGACY.ip);
  area.writeBigUInt64LE(fpregs.rdp, LEGACY.dp);
  area.writeUInt32LE(fpregs.mxcsr, LEGACY.mxcsr);
  area.writeUInt32LE(fpregs.mxcsr_mask, LEGACY.mxcsrMask);
  put(area, LEGACY.st, XMM, fpregs.st_space);
  put(area, XMM, PADDING, fpregs.xmm_space);
  const components = fpregs.xsave?.xstate_bv ?? 3n;
  area.writeBigUInt64LE(components & COMMON_COMPONENTS, HEADER);
  put(area, YMM, YMM_END, fpregs.xsave?.ymmh_space ?? []);
  return area;
}

/** Throws `dataLoss` for anything that cannot be an XSAVE area; the kernel judges its content. */
export function checkXstate(where: string, xstate: Uint8Array): void {
  if (xstate.length < YMM || xstate.length > MOST_BYTES) {
    badImage(`extended state of ${where}: ${String(xstate.length)} bytes`);
  }
}

function numbers(view: Buffer, from: number, to: number): number[] {
  const found: number[] = [];
  for (let at = from; at < to; at += 4) found.push(view.readUInt32LE(at));
  return found;
}

function put(area: Buffer, from: number, to: number, values: readonly number[]): void {
  values.slice(0, (to - from) / 4).forEach((value, index) => {
    area.writeUInt32LE(value >>> 0, from + index * 4);
  });
}
