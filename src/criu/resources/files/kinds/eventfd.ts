// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../../native/sys.js';
import type { EventfdFileEntry } from '../../../image/types.js';
import { detail, type FdInfo } from '../../../procfs/fdinfo.js';
import { O } from '../../../../native/abi/index.js';
import type { DumpContext } from '../dump-context.js';
import type { FileKind } from '../kind.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { PlanContext } from '../plan-context.js';
import { anonymousName } from './anonymous.js';

/** EFD_SEMAPHORE; lies in the access mode of `flags`, where O_RDWR leaves it free. */
const EFD_SEMAPHORE = 1;
const MAX_INITIAL = 0xffffffffn;
/** The bound of the counter (eventfd(2)). */
const MAX_COUNTER = 0xfffffffffffffffen;

/** An eventfd: counter and type. Before Linux 6.5 a semaphore cannot be told from a counter. */
export const EVENTFD: FileKind<'efd'> = {
  type: 'EVENTFD',
  body: 'efd',
  claims: (file) => anonymousName(file) === 'eventfd',
  dump,
  open,
};

function dump(context: DumpContext, file: OpenFile): EventfdFileEntry | undefined {
  const eventfd = eventfdState(file.info);
  if (!eventfd) {
    context.refusals.add(
      file.where,
      'the kernel does not tell the counter of this eventfd; remedy: close it',
    );
    return undefined;
  }
  if (eventfd.semaphore === undefined) {
    const why = 'an eventfd cannot be told from a semaphore before Linux 6.5; remedy: close it';
    context.refusals.add(file.where, why);
  }
  const flags = file.flags | (eventfd.semaphore === true ? EFD_SEMAPHORE : 0);
  return { id: file.id, flags, fown: dumpOwner(context, file), counter: eventfd.count };
}

function open({ stage }: PlanContext, entry: EventfdFileEntry, number: number): void {
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

/** Counter of an eventfd. */
interface EventfdState {
  readonly count: bigint;
  /** Undefined before Linux 6.5, where it is not visible. */
  readonly semaphore: boolean | undefined;
}

/** What fdinfo says of an eventfd. Source: eventfd_show_fdinfo(). */
export function eventfdState(info: FdInfo): EventfdState | undefined {
  const count = detail(info, 'eventfd-count', (line, value) => line.hex(value));
  if (count === undefined) return undefined;
  const semaphore = detail(info, 'eventfd-semaphore', (line, value) => line.integer(value));
  return { count, semaphore: semaphore === undefined ? undefined : semaphore !== 0 };
}
