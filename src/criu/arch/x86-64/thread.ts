// SPDX-License-Identifier: Apache-2.0
import { ARCH, PR, SYS } from '../../../native/abi/index.js';
import type { CoreEntry, ThreadCoreEntry, UserX86RegsEntry } from '../../image/types.js';
import { decodeFpregs } from './xstate.js';

/** The result of a call in a thread, and the content of the 8 bytes of room that it got. */
interface Answer {
  readonly result: bigint;
  readonly bytes: Uint8Array;
}

/** The name of the architecture in messages and images. */
export const ARCHITECTURE = 'x86-64';
export const MACHINE = 'X86_64';

const SHADOW_STACK = 1n;
const TSC_DEFAULT = 1;
const CPUID_FAULTS = 0n;

/** System calls by which a thread reports what only this architecture has. */
export const THREAD_QUERIES = {
  tsc: { nr: SYS.prctl, args: (room: bigint) => [PR.getTsc, room, 0, 0, 0], room: 8 },
  cpuid: { nr: SYS.arch_prctl, args: () => [ARCH.getCpuid, 0] },
  shadowStack: { nr: SYS.arch_prctl, args: (room: bigint) => [ARCH.shstkStatus, room], room: 8 },
} as const;

export type ThreadAnswers = Readonly<Record<keyof typeof THREAD_QUERIES, Answer>>;

/** Why a thread cannot be restored. */
export function archThreadProblems({ cpuid, shadowStack }: ThreadAnswers): string[] {
  const hasShadowStack = shadowStack.result === 0n && (word(shadowStack) & SHADOW_STACK) !== 0n;
  return [
    ...(hasShadowStack
      ? ['a shadow stack is not supported; remedy: run it without GLIBC_TUNABLES for SHSTK']
      : []),
    ...(cpuid.result === CPUID_FAULTS
      ? ['trapping CPUID is not supported; remedy: let it end that (ARCH_SET_CPUID)']
      : []),
  ];
}

/** What an image has of a thread of this architecture. */
export function threadInfo(
  registers: UserX86RegsEntry,
  clearTidAddress: bigint,
  xstate: Uint8Array,
): Pick<CoreEntry, 'mtype' | 'thread_info'> {
  const fpregs = decodeFpregs(xstate);
  const info = { clear_tid_addr: clearTidAddress, gpregs: registers, fpregs, tls: [] };
  return { mtype: MACHINE, thread_info: info };
}

/** Whether the thread may read the time stamp counter, if that is not the default. */
export function threadFields({ tsc }: ThreadAnswers): Pick<ThreadCoreEntry, 'mvas_tsc'> {
  const value = Buffer.from(tsc.bytes).readInt32LE(0);
  return value === TSC_DEFAULT || tsc.result < 0n ? {} : { mvas_tsc: value };
}

function word({ bytes }: Answer): bigint {
  return Buffer.from(bytes).readBigUInt64LE(0);
}
