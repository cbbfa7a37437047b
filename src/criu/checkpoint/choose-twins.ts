// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { memoryCgroupsOf, readMemoryRoom } from '../../common/cgroup-memory.js';
import type { HostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { DEFAULT_TWIN, TWIN_MODES, type TwinMode } from '../constants.js';
import type { MemorySource, NewHolder, PlacedProcesses } from '../memory/live/source.js';
import { TwinSource } from '../memory/live/twin-source.js';
import { segmentOf, storedBytes, type MemoryMap } from '../memory/memory-map.js';
import type { Session } from '../tracee/session.js';
import { Twins } from '../tracee/twins.js';
import type { InTurn } from './request.js';

const log = logger('checkpoint');

/**
 * With this many bytes of private memory, a stop with twins takes half as long as one with a copy. With a quarter, it takes as
 * long, and there is another one in which twins are reaped.
 */
const WORTH_TWINS = 16n << 20n;
/** A process with fewer is copied as quickly as its twin is made. */
const WORTH_A_TWIN = 4n << 20n;

/** What the choice depends on. */
export interface TwinChoice extends NewHolder {
  readonly containerId: string;
  readonly initPid: HostPid;
  readonly leaveRunning: boolean;
  readonly twin?: TwinMode;
  /** Given, the checkpoint is answered before its memory is copied. */
  readonly inTurn?: InTurn;
  readonly session: Session;
  readonly memory: PlacedProcesses;
  /** What copies memory otherwise. */
  readonly source: MemorySource;
}

/** Where the memory of a stopped container comes from, and the twins that are to be ended after that. */
export interface Chosen {
  readonly source: MemorySource;
  readonly twins: Twins | undefined;
}

/**
 * Decides whether memory is copied from twins, while the container runs again.
 *
 * @throws ShimError `failedPrecondition` if twins were requested and are not possible
 */
export function chooseTwins(choice: TwinChoice): Chosen {
  const { containerId, session, source } = choice;
  const mode = choice.twin ?? twinMode(process.env['MVAS_TWIN']);
  const why = whyNot(mode, choice);
  if (why !== undefined) {
    if (mode === 'always') throw impossible(containerId, why);
    log.debug('memory is not copied from twins', { container: containerId, why });
    return { source, twins: undefined };
  }
  const twins = new Twins(session.tracer);
  const insists = mode === 'always';
  const least = insists ? 1n : WORTH_A_TWIN;
  const isWorthIt = (map: MemoryMap): boolean => storedBytes([map], []) >= least;
  const leaders = new Map(session.processes.map(({ nsPid, leader }) => [nsPid, leader]));
  log.info('memory is copied from twins', { container: containerId });
  const maker = { twins, leaders, isWorthIt, insists };
  return { source: new TwinSource(choice, maker), twins };
}

/** The reason why memory is copied while the container stands still. */
function whyNot(mode: TwinMode, choice: TwinChoice): string | undefined {
  const { source, leaveRunning, memory, initPid, session, inTurn } = choice;
  if (mode === 'never') return 'it is not wanted';
  if (source.backend !== 'holder') return 'the kernel duplicates it';
  if (source.ahead) return 'it has been copied while the container ran';
  const isWanted = mode === 'always';
  if (!isWanted && !leaveRunning) return 'the container is to be killed';
  if (hasSegments(memory)) return 'a process has attached System V shared memory';
  const bytes = storedBytes(memory.maps, []);
  if (roomOf(initPid) < bytes)
    return 'the memory limit leaves no room for what is written to meanwhile';
  if (isWanted) return undefined;
  if (session.isPaused && !inTurn) return 'its client resumes it only when all is copied';
  return bytes < WORTH_TWINS ? 'there is little of it' : undefined;
}

/** The attachments of a twin would be counted. */
function hasSegments({ maps }: PlacedProcesses): boolean {
  return maps.some(({ areas }) =>
    areas.some(
      ({ kind, object }) => kind === 'anonymous-shared' && segmentOf(object) !== undefined,
    ),
  );
}

/** Bytes that may be charged to the container of a process before the kernel kills. */
export function roomOf(pid: HostPid): number {
  const cgroups = readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8');
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  const rooms = memoryCgroupsOf(cgroups, mountinfo).map((one) => readMemoryRoom(one).room);
  return Math.min(...rooms);
}

/**
 * The mode that MVAS_TWIN asks for.
 *
 * @throws ShimError `invalidArgument` if it is not a mode
 */
export function twinMode(text = ''): TwinMode {
  if (text === '') return DEFAULT_TWIN;
  const mode = TWIN_MODES.find((one) => one === text);
  if (mode !== undefined) return mode;
  const modes = TWIN_MODES.join(', ');
  throw new ShimError('invalidArgument', `MVAS_TWIN=${text}: it is not one of ${modes}`);
}

function impossible(containerId: string, why: string): ShimError {
  const message = `checkpoint ${containerId}: its memory cannot be copied from twins: ${why}`;
  return new ShimError('failedPrecondition', message);
}
