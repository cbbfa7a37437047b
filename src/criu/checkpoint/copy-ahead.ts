// SPDX-License-Identifier: Apache-2.0
import { isFrozen, pidsIn } from '../../common/cgroup.js';
import { assertNotAborted, ShimError } from '../../common/errors.js';
import type { HostPid } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { hasAsyncWriteTracking, pageScan } from '../../native/kernel-facts.js';
import type { Scope } from '../../common/scope.js';
import { PreCopy } from '../memory/live/pre-copy.js';
import type { MemorySource, NewHolder } from '../memory/live/source.js';
import { DEFAULT_PRE_COPY, PRE_COPY_MODES, type PreCopyMode } from '../constants.js';
import { originsOf } from '../tracee/outsiders.js';
import { readStatus } from '../procfs/reader.js';
import type { PreCopyRecord } from '../vas/store.js';
import { beginAhead } from './begin-ahead.js';
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
  const memory = new PreCopy(request, leaveRunning);
  scope.defer('end the tracking of writes', () => {
    memory.close();
  });
  const never = whyNot(mode, request);
  if (never !== undefined && mode === 'always') throw notAhead(containerId, never);
  const why = never ?? (await tryBegin(request, memory, stops));
  check(request);
  if (why !== undefined) {
    memory.close();
    log.debug('nothing is copied ahead', { container: containerId, why });
    const failure = mode === 'always' ? notAhead(containerId, why) : undefined;
    return { source: request.source, stoppedMs: stops.ms, preCopy: undefined, failure };
  }
  await copyRounds(request, memory, stops);
  const { rounds, bytes } = memory;
  log.info('copied ahead', { container: containerId, rounds, bytes, stoppedMs: stops.ms });
  return { source: memory, stoppedMs: stops.ms, preCopy: { rounds, bytes } };
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
    await beginAhead(pids, memory, stops);
    return memory.isTracking ? undefined : 'no process allows its writes to be tracked';
  } catch (error) {
    return ShimError.from(error).message;
  }
}

/** A failed stop ends the pre-copy; the final stop will report what is in the way. */
async function copyRounds(request: AheadRequest, memory: PreCopy, stops: Stops): Promise<void> {
  await memory.copy();
  check(request);
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
  try {
    await stops.during((session) => {
      memory.protectAgain(new Set(session.pids()));
      return Promise.resolve();
    });
    return true;
  } catch (error) {
    log.debug('no further round', { error: String(error) });
    return false;
  }
}

/** The reason why memory is not copied ahead. */
function whyNot(mode: PreCopyMode, { cgroup, source }: AheadRequest): string | undefined {
  if (mode === 'never') return 'it is not wanted';
  if (isFrozen(cgroup)) return 'the container is paused';
  if (source.backend !== 'holder') return 'the kernel duplicates it';
  const canScan = pageScan() !== 'none' && process.env['MVAS_NO_PAGEMAP_SCAN'] === undefined;
  if (!canScan || !hasAsyncWriteTracking()) return 'the kernel does not track writes (Linux 6.7)';
  if (mode === 'auto' && isLittle(pidsIn(cgroup).map(residentBytesOf)))
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

function residentBytesOf(pid: HostPid): number {
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
