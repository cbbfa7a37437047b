// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCgroupMounts } from '../../common/cgroup-mounts.js';
import { cgroupDirectories, placesIn } from '../../common/cgroup-places.js';
import { asHostPid, asNsPid, ownPid, type HostPid, type NsPid } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { parseCgroup } from '../../common/procfs/cgroup.js';
import type { Tracer } from '../../native/index.js';
import { PR } from '../../native/abi/index.js';
import { cString, errnoError, SYS } from '../../native/sys.js';
import { readStat } from '../procfs/reader.js';
import type { RemoteCall } from './tracee.js';
import type { StoppedThread } from './stopped-thread.js';

const log = logger('session');

/**
 * The parent gets no signal when the twin ends (an exit signal of 0), and a wait(2) without __WALL does not see it. The
 * twin does not copy descriptors: it shares the table only until its first call.
 */
const CLONE_FILES = 0x400;
const CLONE: RemoteCall = { nr: SYS.clone, args: [CLONE_FILES, 0, 0, 0, 0] };
const CLOSE_RANGE_UNSHARE = 2;
/** A twin has no descriptors, and no signal for its parent's process group gets to it. */
const CALLS: readonly RemoteCall[] = [
  { nr: SYS.close_range, args: [0, 0xffffffff, CLOSE_RANGE_UNSHARE] },
  { nr: SYS.setsid, args: [] },
];
/** By which the next checkpoint knows one that an engine has left when it was killed. */
const NAME = 'mvas-twin';
/** __WALL | WNOHANG */
const WAIT_FOR_TWIN = 0x40000001;
/** The kernel ends a twin before it ends anything else. */
const FIRST_TO_GO = '1000';

/** A process whose memory is that of another at the moment at which it was made. It never runs. */
export interface Twin {
  readonly pid: HostPid;
  readonly nsPid: NsPid;
}

/**
 * Makes copy-on-write children of stopped processes, and holds them. They die with the tracer, but of nothing else
 * before {@link end}: one that is killed stops with its memory in place (PTRACE_O_TRACEEXIT), and the end of its
 * container waits for it.
 */
export class Twins {
  readonly #tracer: Tracer;
  readonly #held = new Map<HostPid, Twin>();
  /** Those being made. */
  readonly #making = new Set<Promise<Twin>>();

  /** The tracer has to live until {@link end}. */
  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /**
   * Makes a twin of a process whose threads are all stopped, and ready for remote calls.
   *
   * @param leader its first thread
   * @throws ShimError if the kernel refuses, for example at a limit of the container
   */
  async make(leader: StoppedThread): Promise<Twin> {
    const making = this.#make(leader);
    this.#making.add(making);
    try {
      return await making;
    } finally {
      this.#making.delete(making);
    }
  }

  async #make(leader: StoppedThread): Promise<Twin> {
    const { address } = leader.scratch;
    leader.writeMemory(address, cString(NAME)); // The twin sees it: that memory is shared.
    const calls = [...CALLS, { nr: SYS.prctl, args: [PR.setName, address] }];
    const [error = 0n, made = 0n, inner = 0n] = await leader.makeTwin(CLONE, calls);
    const twin = { pid: asHostPid(Number(made)), nsPid: asNsPid(Number(inner)) };
    if (made !== 0n) this.#held.set(twin.pid, twin);
    if (error === 0n) return twin;
    throw errnoError(`make a twin of ${leader.label}`, Number(error));
  }

  /**
   * Moves all twins into the cgroups of another process, out of those of the container. What cannot be moved stays
   * where it is.
   */
  moveTo(pid: HostPid): void {
    const cgroups = readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8');
    const directories = cgroupDirectories(placesIn(parseCgroup(cgroups), readCgroupMounts()));
    const files = directories.map((directory) => join(directory, 'cgroup.procs'));
    for (const twin of this.#held.keys()) {
      for (const file of files) tryToWrite(file, String(twin));
      tryToWrite(`/proc/${String(twin)}/oom_score_adj`, FIRST_TO_GO);
    }
  }

  /** Kills them all, also those that are being made. Their parents have to reap what this returns. */
  async end(): Promise<Twin[]> {
    await Promise.allSettled(this.#making);
    const twins = [...this.#held.values()];
    if (twins.length === 0) return [];
    this.moveTo(ownPid()); // In a container that is frozen by cgroup v1 they would not die.
    this.#held.clear();
    const error = await this.#tracer.endTwins(Int32Array.from(twins, ({ pid }) => pid));
    if (error !== 0) throw errnoError('end twins', error);
    return twins;
  }
}

/** Whether a child of a process is a twin, alive or dead. */
export function isTwin(pid: HostPid): boolean {
  try {
    const { comm, session } = readStat(pid);
    return comm === NAME && session === pid;
  } catch {
    return false; // It is gone.
  }
}

/** The call by which a parent reaps a twin that is dead. */
export function reapingOf({ nsPid }: Pick<Twin, 'nsPid'>): RemoteCall {
  return { nr: SYS.wait4, args: [nsPid, 0, WAIT_FOR_TWIN, 0] };
}

function tryToWrite(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    log.debug('a twin stays as it is', { file, error: String(error) });
  }
}
