// SPDX-License-Identifier: Apache-2.0
import { ARCH, SYS } from '../../../native/abi/index.js';

/** XFEATURE_XTILEDATA: the component of AMX tiles. */
const XTILEDATA = 1n << 18n;
/** modify_ldt(2): reads as much as requested, or nothing if there is no LDT. */
const READ_LDT = 0;
const LDT_ENTRY = 8;

/** System calls by which a process reports what only this architecture has. */
export const PROCESS_QUERIES = {
  tiles: {
    nr: SYS.arch_prctl,
    args: (room: bigint) => [ARCH.getXcompPerm, room, 0, 0, 0],
    room: 8,
  },
  ldt: { nr: SYS.modify_ldt, args: (room: bigint) => [READ_LDT, room, LDT_ENTRY], room: LDT_ENTRY },
} as const;

interface Answer {
  readonly result: bigint;
  readonly bytes: Uint8Array;
}

/** Why a process cannot be restored. */
export function archProcessProblems({
  tiles,
  ldt,
}: Readonly<Record<keyof typeof PROCESS_QUERIES, Answer>>): string[] {
  const mayUse = tiles.result === 0n ? Buffer.from(tiles.bytes).readBigUInt64LE(0) : 0n;
  return [
    ...((mayUse & XTILEDATA) !== 0n
      ? ['AMX tile registers are not supported; remedy: run it without AMX']
      : []),
    ...(ldt.result === BigInt(LDT_ENTRY)
      ? ['an LDT (modify_ldt) is not supported; remedy: run it without modify_ldt']
      : []),
  ];
}
