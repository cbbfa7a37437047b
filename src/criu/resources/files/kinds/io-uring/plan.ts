// SPDX-License-Identifier: Apache-2.0
import { SETTABLE, SYS, F } from '../../../../../native/abi/index.js';
import { IORING_SETUP, URING_PARAMS_BYTES } from '../../../../../native/io-uring.js';
import type { MvasIoUringEntry } from '../../../../image/types.js';
import type { PlanContext } from '../../plan-context.js';

/** Makes an io_uring, and what it was: with its counts, and with completions that nobody has read. */
export function openRing(
  { stage, builder }: PlanContext,
  entry: MvasIoUringEntry,
  number: number,
): void {
  const what = `make io_uring ${String(entry.id)}`;
  const params = Buffer.alloc(URING_PARAMS_BYTES);
  params.writeUInt32LE(entry.cq_entries, 4);
  params.writeUInt32LE(entry.setup_flags | IORING_SETUP.cqSize, 8);
  const setup = builder.data(params);
  stage.make(what, number, SYS.io_uring_setup, [entry.sq_entries, setup]);
  const flags = entry.flags & SETTABLE;
  if (flags !== 0) stage.run(`${what}: flags`, SYS.fcntl, [number, F.setfl, flags]);
  stage.sequence.ring(`${what}: its counts and memory`, {
    fd: number,
    params: setup,
    requests: entry.requests,
    rings: builder.data(entry.rings),
    entries: builder.data(entry.entries),
  });
}
