// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../../native/sys.js';
import type { SignalfdEntry } from '../../../image/types.js';
import { detail, type FdInfo } from '../../../procfs/fdinfo.js';
import { O } from '../../../../native/abi/index.js';
import type { DumpContext } from '../dump-context.js';
import type { FileKind } from '../kind.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { PlanContext } from '../plan-context.js';
import { anonymousName } from './anonymous.js';

/** A signalfd: its mask. */
export const SIGNALFD: FileKind<'sgfd'> = {
  type: 'SIGNALFD',
  body: 'sgfd',
  claims: (file) => anonymousName(file) === 'signalfd',
  dump,
  open,
};

function dump(context: DumpContext, file: OpenFile): SignalfdEntry | undefined {
  const mask = signalfdMask(file.info);
  if (mask === undefined) {
    context.refusals.add(
      file.where,
      'the kernel does not tell the mask of this signalfd; remedy: close it',
    );
    return undefined;
  }
  const fown = dumpOwner(context, file);
  return { id: file.id, flags: file.flags, fown, sigmask: mask };
}

function open({ stage }: PlanContext, entry: SignalfdEntry, number: number): void {
  const mask = Buffer.alloc(8);
  mask.writeBigUInt64LE(entry.sigmask);
  const flags = (entry.flags & O.nonblock) | O.cloexec;
  const args = [-1, stage.builder.data(mask), mask.length, flags];
  stage.make(`make signalfd ${String(entry.id)}`, number, SYS.signalfd4, args);
}

/** What fdinfo says of a signalfd: bit N-1 is signal N. Source: signalfd_show_fdinfo(). */
export function signalfdMask(info: FdInfo): bigint | undefined {
  return detail(info, 'sigmask', (line, value) => line.hex(value));
}
