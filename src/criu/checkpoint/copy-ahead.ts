// SPDX-License-Identifier: Apache-2.0
import { isFrozen, pidsIn } from '../../common/cgroup.js';
import { assertNotAborted, ShimError } from '../../common/errors.js';
import type { HostPid } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { hasAsyncWriteTracking, pageScan } from '../../native/kernel-facts.js';
import type { Scope } from '../../common/scope.js';
import type { Continued } from '../memory/live/continued.js';
import { PreCopy } from '../memory/live/pre-copy.js';
import type { MemorySource, NewHolder } from '../memory/live/source.js';
import { DEFAULT_PRE_COPY, PRE_COPY_MODES, type PreCopyMode } from '../constants.js';
import { originsOf } from '../tracee/outsiders.js';
import { readStatus } from '../procfs/reader.js';
import type { PreCopyRecord } from '../vas/store.js';
import { beginAhead } from './begin-ahead.js';
import { checkUnpinned, hasPinned, PINNED } from './pinned.js';
import type { Series } from './series.js';
import { Stops, type StopRequest } from './stops.js';

const log = logger('checkpoint');

/** With this many resident anonymous bytes, copying ahead is worth a further stop, */
const WORTH_COPYING = 32 << 20;
/** and with this many in each process on average, tracking the writes of all of them. */
const WORTH_TRACKING = 1 << 20;
/** When no more than this is left, the final stop copies it. */
const LITTLE = 16n << 20n;
const MOST_ROUNDS = 4;

/** What is copied ahead, and where to. */
export interface AheadRequest extends NewHolder, StopRequest {
  readonly containerId: string;
  readonly leaveRunning: boolean;
  readonly preCopy?: PreCopyMode;
  readonly series?: Series;
  /** The checkpoint of the series that the holder is a fork of; undefined if it is empty. */
  readonly before: Continued | undefined;
  /** Copies everything while the container stands still. */
  readonly source: MemorySource;
  readonly signal?: AbortSignal;
  /** Cleaned up if the checkpoint fails. */
  readonly scope: Scope;
}

/** Where the memory of a checkpoint comes from. */
export interface Ahead {
  /** Copies the memory, or the rest of it, while the container stands still. */
  readonly source: MemorySource;
  /** The same if something has been copied ahead, or the checkpoint before this one had it. */
  readonly memory: PreCopy | undefined;
  /** Milliseconds for which the container has already stood still. */
  readonly stoppedMs: number;
  /** What was copied ahead; undefined if nothing was. */
  readonly preCopy: PreCopyRecord | undefined;
  /** Why nothing was, if it had to be; to be thrown unless the final stop fails for a better reason. */
  readonly failure?: ShimError | undefined;
}

/**
 * Copies memory while the container runs, for as long as that leaves less and less to the final
 * stop. The container stands still for a moment before each round.
 *
 * @throws ShimError `failedPrecondition` if copying ahead was requested and is not possible, or if
 * a copy failed
 */
export async function copyAhead(request: AheadRequest): Promise<Ahead> {
  const { containerId, leaveRunning, scope } = request;
  const mode = modeOf(request);
  const stops = new Stops(request);
  const tracksOn = leaveRunning && request.series !== undefined;
  const memory = new PreCopy(request, { leavesRunning: leaveRunning, tracksOn }, request.before);
  scope.defer('end the tracking of writes', () => {
    memory.close();
  });
  if (request.before) return await copyChanges(request, memory, stops);
  const never = whyNot(mode, request);
  if (never !== undefined && mode === 'always') throw notAhead(containerId, never);
  const why = never ?? (await tryBegin(request, memory, stops));
  check(request);
  if (why !== undefined) {
    memory.close();
    log.debug('nothing is copied ahead', { container: containerId, why });
    const failure = mode === 'always' ? notAhead(containerId, why) : undefined;
    const nothing = { memory: undefined, preCopy: undefined };
    return { source: request.source, stoppedMs: stops.ms, ...nothing, failure };
  }
  await memory.copy();
  check(request);
  await copyRounds(request, memory, stops);
  return copied(request, memory, stops);
}

/** Goes on from the checkpoint before this one: if much has been written to since, that is copied while the container runs. */
async function copyChanges(request: AheadRequest, memory: PreCopy, stops: Stops): Promise<Ahead> {
  if (!isFrozen(request.cgroup)) await copyRounds(request, memory, stops);
  return copied(request, memory, stops);
}

function copied({ containerId }: AheadRequest, memory: PreCopy, stops: Stops): Ahead {
  const { rounds, bytes } = memory;
  log.info('copied ahead', { container: containerId, rounds, bytes, stoppedMs: stops.ms });
  const preCopy = rounds === 0 ? undefined : { rounds, bytes };
  return { source: memory, memory, stoppedMs: stops.ms, preCopy };
}

/** Starts to copy. If something is in the way, the final stop will report it. */
async function tryBegin(
  { cgroup, initPid, exec }: AheadRequest,
  memory: PreCopy,
  stops: Stops,
): Promise<string | undefined> {
  try {
    const all = pidsIn(cgroup);
    const pids = exec === 'drop' ? originsOf(initPid, all).own : all;
    if (hasPinned(pids)) return PINNED;
    await beginAhead(pids, memory, stops);
    return memory.isTracking ? undefined : 'no process allows its writes to be tracked';
  } catch (error) {
    return ShimError.from(error).message;
  }
}

/** A failed stop ends the pre-copy; the final stop will report what is in the way. */
async function copyRounds(request: AheadRequest, memory: PreCopy, stops: Stops): Promise<void> {
  for (let left = memory.written(); left > LITTLE && memory.rounds < MOST_ROUNDS;) {
    if (!(await isStoppedFor(memory, stops))) break;
    await memory.copy();
    check(request);
    const now = memory.written();
    if (now * 2n > left) break;
    left = now;
  }
}

async function isStoppedFor(memory: PreCopy, stops: Stops): Promise<boolean> {
  const done = { stop: false };
  try {
    await stops.during((session) => {
      checkUnpinned(session.pids());
      done.stop = true;
      memory.protectAgain(new Set(session.pids()));
      return Promise.resolve();
    });
    return true;
  } catch (error) {
    // What is protected and was not copied would be taken for what has not changed.
    if (done.stop) throw error;
    log.debug('no further round', { error: String(error) });
    return false;
  }
}

/** The reason why memory is not copied ahead. */
function whyNot(mode: PreCopyMode, { cgroup, source, series }: AheadRequest): string | undefined {
  if (mode === 'never' && series === undefined) return 'it is not wanted';
  if (isFrozen(cgroup)) return 'the container is paused';
  if (source.backend !== 'holder') return 'the kernel duplicates it';
  const canScan = pageScan() !== 'none' && process.env['MVAS_NO_PAGEMAP_SCAN'] === undefined;
  if (!canScan || !hasAsyncWriteTracking()) return 'the kernel does not track writes (Linux 6.7)';
  if (mode === 'auto' && series === undefined && isLittle(pidsIn(cgroup).map(residentBytesOf)))
    return 'there is little of it';
  return undefined;
}

/** Whether a checkpoint fails if its memory cannot be copied ahead. */
export function mustCopyAhead(request: Pick<AheadRequest, 'preCopy'>): boolean {
  return modeOf(request) === 'always';
}

function modeOf({ preCopy }: Pick<AheadRequest, 'preCopy'>): PreCopyMode {
  return preCopy ?? preCopyMode(process.env['MVAS_PRE_COPY']);
}

/**
 * The mode that MVAS_PRE_COPY asks for.
 *
 * @throws ShimError `invalidArgument` if it is not a mode
 */
export function preCopyMode(text = ''): PreCopyMode {
  if (text === '') return DEFAULT_PRE_COPY;
  const mode = PRE_COPY_MODES.find((one) => one === text);
  if (mode !== undefined) return mode;
  const modes = PRE_COPY_MODES.join(', ');
  throw new ShimError('invalidArgument', `MVAS_PRE_COPY=${text}: it is not one of ${modes}`);
}

/** Whether processes with so many resident bytes are quicker to copy while they stand still. */
export function isLittle(resident: readonly number[]): boolean {
  const sum = resident.reduce((total, bytes) => total + bytes, 0);
  return sum < Math.max(WORTH_COPYING, resident.length * WORTH_TRACKING);
}

/** Bytes of anonymous memory that a process has in memory; 0 if it has ended. */
export function residentBytesOf(pid: HostPid): number {
  try {
    return readStatus(pid).rssAnon;
  } catch {
    return 0; // The process has ended.
  }
}

function notAhead(containerId: string, why: string): ShimError {
  const message = `checkpoint ${containerId}: its memory cannot be copied ahead: ${why}`;
  return new ShimError('failedPrecondition', message);
}

function check({ signal, containerId }: AheadRequest): void {
  assertNotAborted(signal, `checkpoint ${containerId}`);
}
