// SPDX-License-Identifier: Apache-2.0
import {
  MAP_ANONYMOUS,
  MAP_SHARED,
  PAGE,
  PROT_EXEC,
  PROT_READ,
  PROT_READ_WRITE,
} from '../../native/abi/index.js';
import { SYS } from '../../native/sys.js';
import { BATCH_CODE, frameSize, HOME_CODE, TWIN_CODE } from '../arch/index.js';
import { encodeMark, MARK_AT } from './leftovers.js';
import type { BatchSite, CallSite, StoppedThread } from './stopped-thread.js';
import type { RemoteCall } from './tracee.js';

/* Memory of ours in a tracee: a page of code, scratch memory and a table of calls, and a frame for each thread. */

const PAGE_BYTES = Number(PAGE);
/** A page is shared by the arguments of calls and the table of a batch of them. */
const SCRATCH_SIZE = PAGE_BYTES / 2;
/** Offset of the scratch memory; the table is behind it. */
export const SCRATCH_AT = PAGE_BYTES;
const TABLE_AT = SCRATCH_AT + SCRATCH_SIZE;
const TABLE_SIZE = PAGE_BYTES - SCRATCH_SIZE;
/** Offset of {@link BATCH_CODE} in the page of code. */
const BATCH_AT = 16;
/** Offset of {@link TWIN_CODE}, behind the mark. */
const TWIN_AT = 128;
/** What is written to the page of code. */
export const CODE_SIZE = 256;
const PROT_READ_EXEC = PROT_READ | PROT_EXEC;
const MAP_SHARED_ANONYMOUS = MAP_SHARED | MAP_ANONYMOUS;

/** Offsets of the frames, in the order of the threads, and where the last one ends; the size of everything, in whole pages. */
export interface Layout {
  readonly frames: readonly number[];
  readonly end: number;
  readonly size: number;
}

export function layOut(threads: readonly StoppedThread[]): Layout {
  let end = PAGE_BYTES * 2;
  const frames = threads.map((thread) => {
    const at = end;
    end += frameSize(thread.state.xstate.length);
    return at;
  });
  return { frames, end, size: Math.ceil(end / PAGE_BYTES) * PAGE_BYTES };
}

/** What the page of code begins with, if it is at an address. */
export function encodeCode(code: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(CODE_SIZE);
  bytes.set(HOME_CODE);
  bytes.set(BATCH_CODE, BATCH_AT);
  bytes.set(encodeMark({ start: code, size }), MARK_AT);
  bytes.set(TWIN_CODE, TWIN_AT);
  return bytes;
}

/** Where a thread makes calls whose frame is at an offset. */
export function siteAt(code: bigint, frame: number): CallSite {
  const scratch = { address: code + BigInt(SCRATCH_AT), size: SCRATCH_SIZE };
  return { code, frame: code + BigInt(frame), scratch, twin: code + BigInt(TWIN_AT) };
}

/** Where threads make many calls. */
export function batchSiteAt(code: bigint): BatchSite {
  const table = { address: code + BigInt(TABLE_AT), size: TABLE_SIZE };
  return { code: code + BigInt(BATCH_AT), table };
}

/** Maps it. All of it is executable at first: never writable and executable, which a process may have forbidden itself. */
export function mapCall(size: number): RemoteCall {
  return { nr: SYS.mmap, args: [0, size, PROT_READ_EXEC, MAP_SHARED_ANONYMOUS, -1, 0] };
}

/** Makes all but the code writable. */
export function protectCall(code: bigint, size: number): RemoteCall {
  const args = [code + BigInt(SCRATCH_AT), size - PAGE_BYTES, PROT_READ_WRITE];
  return { nr: SYS.mprotect, args };
}
