// SPDX-License-Identifier: Apache-2.0
import type { Descriptor } from '../../../plan/row.js';
import { SO, SOL } from '../../../../native/abi/index.js';
import { syscall } from '../../../../native/index.js';
import { call, SYS } from '../../../../native/sys.js';
import type { SkOptsEntry } from '../../../image/types.js';
import { PlanPointer, type Argument } from '../../../plan/values.js';
import type { Stage } from '../stage.js';

const EACCES = -13;
const INSTRUCTION_SIZE = 8;
/** `struct sock_fprog`: a count, and the offset of the pointer to the instructions. */
const PROGRAM_SIZE = 16;
const POINTER_AT = 8;

/** What an image keeps of a socket's filter. */
export type SocketFilter = Pick<SkOptsEntry, 'so_filter' | 'mvas_filter_locked'>;

/**
 * The classic filter of a socket, of which SO_GET_FILTER has told the number of instructions, or -errno. The kernel keeps its instructions as they were attached, but not those of an eBPF
 * program.
 *
 * @returns the reason if the filter cannot be read
 */
export function dumpFilter(socket: number, count: number): SocketFilter | string {
  if (count === EACCES) {
    return 'a socket with an eBPF program (SO_ATTACH_BPF) cannot be restored; remedy: close it';
  }
  if (count <= 0) return { so_filter: [] };
  const program = Buffer.alloc(count * INSTRUCTION_SIZE);
  const room = Buffer.alloc(4);
  room.writeUInt32LE(count);
  if (syscall(SYS.getsockopt, socket, SOL.socket, SO.filter, program, room) < 0)
    return 'the filter of a socket cannot be read; remedy: detach it';
  const locked = Buffer.alloc(4);
  const size = Buffer.of(4, 0, 0, 0);
  call('get SO_LOCK_FILTER', SYS.getsockopt, socket, SOL.socket, SO.lockFilter, locked, size);
  const filter = Array.from({ length: program.length / INSTRUCTION_SIZE }, (_, index) =>
    program.readBigUInt64LE(index * INSTRUCTION_SIZE),
  );
  return { so_filter: filter, ...(locked.readInt32LE(0) !== 0 && { mvas_filter_locked: true }) };
}

/** Attaches a filter, and locks it if it was locked. */
export function planFilter(stage: Stage, number: Descriptor, filter: SocketFilter): void {
  const { so_filter: instructions, mvas_filter_locked: isLocked } = filter;
  if (instructions.length === 0) return;
  const { builder, sequence } = stage;
  const code = Buffer.alloc(instructions.length * INSTRUCTION_SIZE);
  instructions.forEach((word, index) => code.writeBigUInt64LE(word, index * INSTRUCTION_SIZE));
  const bytes = Buffer.alloc(PROGRAM_SIZE);
  bytes.writeUInt16LE(instructions.length, 0);
  const program = builder.data(bytes);
  sequence.poke('point to a filter', new PlanPointer(program, POINTER_AT), builder.data(code));
  const set = (what: string, name: number, value: Argument, size: number): void => {
    stage.run(what, SYS.setsockopt, [number, SOL.socket, name, value, size]);
  };
  set('attach a filter to a socket', SO.filter, program, PROGRAM_SIZE);
  if (isLocked)
    set('lock the filter of a socket', SO.lockFilter, builder.data(Buffer.of(1, 0, 0, 0)), 4);
}
