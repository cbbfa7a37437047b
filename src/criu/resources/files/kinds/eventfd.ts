// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../../native/sys.js';
import type { EventfdFileEntry, SignalfdEntry } from '../../../image/types.js';
import { O } from '../abi.js';
import type { DumpContext } from '../dump-context.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { Stage } from '../stage.js';

/** EFD_SEMAPHORE; lies in the access mode of `flags`, where O_RDWR leaves it free. */
const EFD_SEMAPHORE = 1;
const MAX_INITIAL = 0xffffffffn;
/** The counter's own bound (eventfd(2)). */
const MAX_COUNTER = 0xfffffffffffffffen;

/** An eventfd: counter and kind. Before Linux 6.5 a semaphore cannot be told from a counter. */
export function dumpEventfd(context: DumpContext, file: OpenFile): EventfdFileEntry | undefined {
  const { eventfd } = file.info;
  if (!eventfd) {
    context.refusals.add(file.where, 'the kernel does not tell the counter of this eventfd');
    return undefined;
  }
  if (eventfd.semaphore === undefined) {
    context.refusals.add(file.where, 'an eventfd cannot be told from a semaphore before Linux 6.5');
  }
  const flags = file.flags | (eventfd.semaphore === true ? EFD_SEMAPHORE : 0);
  return { id: file.id, flags, fown: dumpOwner(context, file), counter: eventfd.count };
}

/** Makes an eventfd. */
export function planEventfd(stage: Stage, entry: EventfdFileEntry, number: number): void {
  const what = `make eventfd ${String(entry.id)}`;
  const initial = entry.counter <= MAX_INITIAL ? entry.counter : 0n;
  const flags = (entry.flags & (O.nonblock | EFD_SEMAPHORE)) | O.cloexec;
  stage.make(what, number, SYS.eventfd2, [initial, flags]);
  if (initial === entry.counter) return;
  const counter = entry.counter > MAX_COUNTER ? MAX_COUNTER : entry.counter;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(counter);
  stage.sequence.write(what, number, stage.builder.data(bytes), bytes.length);
}

/** A signalfd: its mask. */
export function dumpSignalfd(context: DumpContext, file: OpenFile): SignalfdEntry | undefined {
  const { signalMask } = file.info;
  if (signalMask === undefined) {
    context.refusals.add(file.where, 'the kernel does not tell the mask of this signalfd');
    return undefined;
  }
  const fown = dumpOwner(context, file);
  return { id: file.id, flags: file.flags, fown, sigmask: signalMask };
}

/** Makes a signalfd. */
export function planSignalfd(stage: Stage, entry: SignalfdEntry, number: number): void {
  const mask = Buffer.alloc(8);
  mask.writeBigUInt64LE(entry.sigmask);
  const flags = (entry.flags & O.nonblock) | O.cloexec;
  const args = [-1, stage.builder.data(mask), mask.length, flags];
  stage.make(`make signalfd ${String(entry.id)}`, number, SYS.signalfd4, args);
}
