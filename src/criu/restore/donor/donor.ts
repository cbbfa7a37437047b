// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asHostPid, type HostPid } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import { logger } from '../../../common/log.js';
import { PR } from '../../../native/abi/index.js';
import { call, SYS } from '../../../native/sys.js';
import { formatJson } from '../../../common/big-json.js';
import { sharedPidNamespace, type Spec } from '../../spec.js';
import { hasEnded } from '../../tracee/life-watch.js';
import { donorSpec } from './donor-spec.js';
import { isOurChild, reapChildrenIn, waitReaped } from './reap.js';

const DIRECTORY = '.mvas-donor-';
/** Limit for runc, which runs hooks of others; beyond it, it is considered hung. */
const CREATE_LIMIT_MS = 120_000;
/** The same once the pid namespace has ended: unless runc hangs, it fails by then, and cleans up. */
const GRACE_MS = 1_000;
const LOOK_MS = 100;
const log = logger('restore');

/** The part of runc that a restore needs. */
export interface DonorRuntime {
  /** Creates a container, with all its stdio on /dev/null, and writes its init's pid to a file. */
  create(args: {
    readonly id: string;
    readonly bundle: string;
    readonly pidFile: string;
    /** Where runc sends the master of its terminal; without it, there is no terminal. */
    readonly consoleSocket?: string;
    /** Kills runc when it takes too long. */
    readonly signal: AbortSignal;
  }): Promise<void>;
  /** Deletes a container and kills what is left of it. An unknown container is not an error. */
  delete(id: string): Promise<void>;
}

/** What a donor is created for. */
export interface DonorRequest {
  readonly containerId: string;
  readonly bundle: string;
  readonly spec: Spec;
  /** The restored init, whose pid namespace the donor joins. */
  readonly initPid: HostPid;
  readonly runc: DonorRuntime;
  /** Gives the donor a terminal, whose master is sent there. */
  readonly consoleSocket: string | undefined;
  /** Milliseconds that runc may take. */
  readonly limitMs?: number;
}

/**
 * A container that runc has created from the live spec like any other. Its init holds mounts,
 * devices, cgroup and namespaces, and waits for a start that never comes.
 */
export interface Donor {
  readonly pid: HostPid;
  /** The directory it was created from; runc's state names it. */
  readonly bundle: string;
  /**
   * Kills the donor's init and reaps it: as an unreaped zombie of ours, it would keep the pid
   * namespace from ending. Does nothing if it is gone.
   */
  kill(): Promise<void>;
  /** Deletes the container and everything that belongs to it. */
  destroy(): Promise<void>;
}

/** Creates a donor. On failure, nothing of it is left. */
export async function startDonor(request: DonorRequest): Promise<Donor> {
  const { containerId, bundle, runc, initPid, consoleSocket } = request;
  const { limitMs = CREATE_LIMIT_MS } = request;
  removeStale(bundle);
  const directory = mkdtempSync(join(bundle, DIRECTORY));
  const destroy = async (): Promise<void> => {
    await runc.delete(containerId).finally(() => {
      rmSync(directory, { recursive: true, force: true });
    });
  };
  // The donor's end must not depend on someone else reaping it: it becomes our child (prctl(2)).
  call('become a subreaper', SYS.prctl, PR.setChildSubreaper, 1, 0, 0, 0);
  try {
    const hasTerminal = consoleSocket !== undefined;
    const spec = donorSpec(request.spec, { bundle, initPid, hasTerminal });
    writeFileSync(join(directory, 'config.json'), formatJson(spec), { mode: 0o600 });
    const pidFile = join(directory, 'init.pid');
    const socket = hasTerminal ? { consoleSocket } : {};
    const create = (signal: AbortSignal): Promise<void> =>
      runc.create({ id: containerId, bundle: directory, pidFile, signal, ...socket });
    await inTime(create, initPid, limitMs);
    const pid = asHostPid(Number(readFileSync(pidFile, 'utf8')));
    if (!Number.isInteger(pid) || pid <= 0) {
      throw new ShimError('internal', `create ${containerId}: runc wrote no pid`);
    }
    return { pid, bundle: directory, kill: () => killDonor(pid), destroy };
  } catch (error) {
    await destroy().catch(() => undefined); // The first error is the one to report.
    // Where containers share it, those of others are in there.
    if (sharedPidNamespace(request.spec) === undefined) await reapChildrenIn(initPid);
    throw error;
  }
}

/** Aborts work at its limit, and soon after the pid namespace that it needs has ended. */
async function inTime(
  work: (signal: AbortSignal) => Promise<void>,
  initPid: HostPid,
  limitMs: number,
): Promise<void> {
  const late = new AbortController();
  let end = performance.now() + limitMs;
  const timer = setInterval(() => {
    const now = performance.now();
    if (hasEnded(initPid)) end = Math.min(end, now + GRACE_MS);
    if (now >= end) late.abort();
  }, LOOK_MS);
  await work(late.signal).finally(() => {
    clearInterval(timer);
  });
}

/** Removes the directory that a donor was created from. If it fails, the directory goes with the container's. */
export async function removeBundle({ bundle }: Donor): Promise<void> {
  await rm(bundle, { recursive: true }).catch(() => undefined);
}

/** Deletes a donor; what is left of it is only told. */
export async function removeDonor(donor: Donor): Promise<void> {
  try {
    await donor.destroy();
  } catch (error) {
    log.warn('a donor is left', { bundle: donor.bundle, error: String(error) });
  }
}

async function killDonor(pid: HostPid): Promise<void> {
  if (!isOurChild(pid)) return;
  process.kill(pid, 'SIGKILL');
  await waitReaped(pid);
}

/** A killed restore leaves its donor's directory behind; a bundle has one container at a time. */
function removeStale(bundle: string): void {
  for (const name of readdirSync(bundle).filter((one) => one.startsWith(DIRECTORY))) {
    rmSync(join(bundle, name), { recursive: true, force: true });
  }
}
