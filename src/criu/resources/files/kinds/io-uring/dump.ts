// SPDX-License-Identifier: Apache-2.0
import {
  COMPLETION_BYTES,
  exclusivity,
  hasBufferGroup,
  hasEventfd,
  IORING_OFFSET,
  IORING_SETUP,
  isPolling,
  RingMemory,
  SUBMISSION_BYTES,
} from '../../../../../native/io-uring.js';
import { logger } from '../../../../../common/log.js';
import { ringHeader } from '../../../../../native/kernel-facts.js';
import type { MvasIoUringEntry } from '../../../../image/types.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { dumpOwner } from '../../owner.js';
import { MAX_REQUESTS } from './check.js';
import { type KeptRing, KeptRings } from './kept.js';
import { entryBytes, placesOf, ringBytes, type RingShape } from './layout.js';
import { possibleShapes, shapeOf, type StillRing } from './shape.js';
import { ringState, type RingState } from './state.js';

const log = logger('files');
const REMEDY =
  'remedy: run it without (MariaDB: innodb-use-native-aio=0, Node.js: UV_USE_IO_URING=0)';
const PAGE_BYTES = 4096;
/** Groups of buffers that are asked for: these, and those that submissions name. */
const FIRST_GROUPS = 64;
/** IOSQE_BUFFER_SELECT and IOSQE_CQE_SKIP_SUCCESS of a submission; IORING_CQE_F_MORE and _NOTIF of a completion. */
const SELECTS_BUFFER = 1 << 5;
const SKIPS_COMPLETION = 1 << 6;
const IS_ONE_OF_SEVERAL = (1 << 1) | (1 << 3);
/** Offsets in a submission, and of the flags of a completion. */
const SUBMISSION = { flags: 1, bufferGroup: 40 } as const;
const COMPLETION_FLAGS = 12;

/** Describes an io_uring in which nothing is under way; undefined if it was refused. */
export function dumpRing(context: DumpContext, file: OpenFile): MvasIoUringEntry | undefined {
  const found = judge(context, file);
  if (typeof found === 'string') {
    context.refusals.add(file.where, found);
    return undefined;
  }
  const { shape, rings, entries, requests, kept } = found;
  warn(context, file, kept);
  return {
    id: file.id,
    flags: file.flags,
    fown: dumpOwner(context, file),
    setup_flags: kept?.setup_flags ?? (shape.hasArray ? 0 : IORING_SETUP.noArray),
    sq_entries: shape.sqEntries,
    cq_entries: shape.cqEntries,
    requests,
    rings,
    entries,
    ...registeredWith(kept),
  };
}

type Registered = Pick<
  MvasIoUringEntry,
  'clock' | 'registered' | 'buffers' | 'eventfd' | 'eventfd_async' | 'issuer' | 'descriptors'
>;

function registeredWith(kept: KeptRing | undefined): Registered {
  if (!kept) return { descriptors: [] };
  const { clock, registered, buffers, eventfd, eventfd_async, issuer, descriptors } = kept;
  return { clock, registered, buffers, eventfd, eventfd_async, issuer, descriptors };
}

function warn({ warnings }: DumpContext, { where }: OpenFile, kept: KeptRing | undefined): void {
  if (!kept) {
    const message = 'what the kernel does not show of an io_uring is not kept';
    warnings.push({ log, message, fields: { where } });
  } else if (kept.limitsWorkers) {
    const message = 'limits of the workers of an io_uring are not kept';
    warnings.push({ log, message, fields: { where } });
  }
}

/** What it consists of; `kept` where the kernel lets us know. */
interface JudgedRing extends FoundRing {
  readonly requests: number;
  readonly kept: KeptRing | undefined;
}

/** What it consists of, or why it is refused. */
function judge(context: DumpContext, file: OpenFile): JudgedRing | string {
  const state = ringState(file.info);
  if (!state) return 'its io_uring is in use at this moment; remedy: try again';
  const kept = context.shared(KeptRings).describe(file);
  const kind =
    typeof kept === 'string' ? kept : (unsupported(state) ?? unsupportedSo(file.own, state, kept));
  if (typeof kept === 'string' || kind !== undefined)
    return `an io_uring ${kind ?? ''} is not supported; ${REMEDY}`;
  const busy = underWay(state, kept);
  if (busy !== undefined) return busy;
  const found = look(file.own, state, kept);
  if (typeof found === 'string') return `an io_uring ${found} is not supported; ${REMEDY}`;
  if (!context.takeContent(found.rings.length + found.entries.length)) {
    return `the memory of its io_uring is too much for an image; ${REMEDY}`;
  }
  return { ...found, requests: state.taken, kept };
}

/** What makes it one that cannot be restored; its memory may tell more. */
function unsupported(state: RingState): string | undefined {
  if (state.hasThread) return 'with a thread that polls (IORING_SETUP_SQPOLL)';
  if (state.pollsSockets) return 'that polls sockets (IORING_REGISTER_NAPI)';
  if (state.personalities > 0) return 'with credentials (IORING_REGISTER_PERSONALITY)';
  if (state.taken > MAX_REQUESTS && state.taken === state.completed) {
    return `that has had more than ${String(MAX_REQUESTS)} requests`;
  }
  return undefined;
}

/** The same, by what the kernel keeps, or else by what can be found out without knowing that. */
function unsupportedSo(
  own: number,
  state: RingState,
  kept: KeptRing | undefined,
): string | undefined {
  if (state.files > 0 && !kept?.registered) return 'with registered files (IORING_REGISTER_FILES)';
  if (state.buffers > 0 && !kept?.buffers)
    return 'with registered buffers (IORING_REGISTER_BUFFERS)';
  if (kept) return groupIn(own, kept.groups);
  const exclusive = exclusivity(own);
  if (exclusive !== undefined) return exclusive;
  if (isPolling(own)) return 'that polls devices (IORING_SETUP_IOPOLL)';
  return hasEventfd(own) ? 'with an eventfd (IORING_REGISTER_EVENTFD)' : undefined;
}

/** What is under way, as a refusal: it may be over in a moment. */
function underWay(
  { taken, completed, overflows, polls }: RingState,
  kept: KeptRing | undefined,
): string | undefined {
  const again = 'remedy: try again when it is idle';
  if (overflows > 0)
    return `its io_uring has no room for ${String(overflows)} completions; ${again}`;
  if (polls > 0) return `its io_uring waits for ${String(polls)} files; ${again}`;
  if (taken === completed) return undefined;
  if ((kept?.setup_flags ?? 0) & IORING_SETUP.mixedCompletions)
    return `an io_uring with completions of two sizes (IORING_SETUP_CQE_MIXED), or with requests under way, is not supported; ${REMEDY}`;
  const counts = `${String(taken)} requests and ${String(completed)} completions`;
  return `its io_uring has had ${counts}, so it may have some in flight; ${again}`;
}

interface FoundRing {
  readonly shape: RingShape;
  readonly rings: Buffer;
  readonly entries: Buffer;
}

/** Reads its memory; a text if that cannot be restored. */
function look(
  own: number,
  { sqEntries, cqEntries, taken }: RingState,
  kept: KeptRing | undefined,
): FoundRing | string {
  const shapes = kept
    ? [knownShape(sqEntries, cqEntries, kept)]
    : possibleShapes(own, sqEntries, cqEntries);
  const size = Math.max(0, ...shapes.map((shape) => ringBytes(shape)));
  if (size === 0) {
    return 'whose memory is its own or has wide entries (IORING_SETUP_NO_MMAP, _SQE128, _CQE32)';
  }
  const memory = new RingMemory(own, IORING_OFFSET.rings, wholePages(size));
  const submissions = new RingMemory(
    own,
    IORING_OFFSET.entries,
    wholePages(entryBytes({ sqEntries })),
  );
  try {
    const ring = { own, memory, taken, rings: memory.read(), entries: submissions.read() };
    const [known] = kept ? shapes : [];
    const shape = known ?? shapeOf(ring, shapes);
    if (typeof shape === 'string') return shape;
    const why = contradiction(ring, shape) ?? (kept ? undefined : bufferGroup(ring, shape));
    return why ?? cut(ring, shape);
  } finally {
    submissions.close();
    memory.close();
  }
}

function knownShape(sqEntries: number, cqEntries: number, { setup_flags }: KeptRing): RingShape {
  const hasArray = (setup_flags & IORING_SETUP.noArray) === 0;
  return { sqEntries, cqEntries, header: ringHeader(), hasArray };
}

function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

function cut({ rings, entries }: StillRing, shape: RingShape): FoundRing {
  return {
    shape,
    rings: rings.subarray(0, ringBytes(shape)),
    entries: entries.subarray(0, entryBytes(shape)),
  };
}

/** Why its memory does not allow it to be restored. */
function contradiction(ring: StillRing, shape: RingShape): string | undefined {
  const { rings, taken } = ring;
  const places = placesOf(shape.header);
  if (!places) return 'whose memory this kernel lays out in an unknown way';
  const [head, tail] = [rings.readUInt32LE(places.cqHead), rings.readUInt32LE(places.cqTail)];
  if (
    rings.readUInt32LE(places.sqHead) !== taken ||
    tail !== taken ||
    (tail - head) >>> 0 > shape.cqEntries
  ) {
    return 'whose heads and tails its program has changed';
  }
  return countsTooFew(ring, shape);
}

/** Requests that have more or fewer completions than one make the counts say nothing about those in flight. */
function countsTooFew({ rings, entries }: StillRing, shape: RingShape): string | undefined {
  const { header, cqEntries, sqEntries } = shape;
  for (let n = 0; n < cqEntries; n++) {
    const flags = rings.readUInt32LE(header + n * COMPLETION_BYTES + COMPLETION_FLAGS);
    if (flags & IS_ONE_OF_SEVERAL) return 'with requests that have several completions';
  }
  for (let n = 0; n < sqEntries; n++) {
    if (flagsOf(entries, n) & SKIPS_COMPLETION) return 'with requests that have no completion';
  }
  return undefined;
}

function flagsOf(entries: Buffer, n: number): number {
  return entries[n * SUBMISSION_BYTES + SUBMISSION.flags] ?? 0;
}

function bufferGroup({ own, entries }: StillRing, { sqEntries }: RingShape): string | undefined {
  const groups = new Set(Array.from({ length: FIRST_GROUPS }, (_, group) => group));
  for (let n = 0; n < sqEntries; n++) {
    if ((flagsOf(entries, n) & SELECTS_BUFFER) === 0) continue;
    groups.add(entries.readUInt16LE(n * SUBMISSION_BYTES + SUBMISSION.bufferGroup));
  }
  return groupIn(own, [...groups]);
}

/** One of some groups that there is. */
function groupIn(own: number, groups: readonly number[]): string | undefined {
  const found = groups.find((group) => hasBufferGroup(own, group));
  return found === undefined ? undefined : `with a group of buffers (${String(found)})`;
}
