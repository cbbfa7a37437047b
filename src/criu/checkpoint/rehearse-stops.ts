// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { assertInvariant } from '../../common/errors.js';
import { asHostPid, asVasId, type HostPid, type VasId } from '../../common/ids.js';
import { builtFile, syscall } from '../../native/index.js';
import { SYS } from '../../native/sys.js';
import { isFaulty } from '../faults.js';
import { Lasting } from '../lasting.js';
import { readKernelAreas } from '../memory/live/kernel-areas.js';
import { readMountinfo } from '../procfs/reader.js';
import { checkRegisters } from '../resources/attributes.js';
import { Session } from '../tracee/session.js';
import { roomOf } from './choose-twins.js';
import { readTree, type Tree } from './collect.js';
import type { TriedRestore } from './restorable.js';
import { takeStock } from './stop.js';

/** Waits, does nothing, and has what a container has (native/model). */
const MODEL = builtFile('mvas-model');
const SIGKILL = 9;
/** No VAS has it. */
const NO_VAS = asVasId('0'.repeat(32));

let isRehearsed = false;

/** Whether this process, or one that it is a fork of, has rehearsed a stop. */
export function hasRehearsed(): boolean {
  return isRehearsed;
}

/** What a rehearsal stops. */
interface Model {
  /** A process of ours, which has no cgroup of its own, and which nobody waits for. */
  readonly pid: HostPid;
  readonly vasId: VasId;
  readonly lasting: Lasting;
}

/**
 * Stops a process and its descendants, takes stock of them as of a container, and lets them go.
 *
 * @param onImage gets what is known of them while they stand still
 * @throws ShimError for what no container may have, at the end
 */
export async function rehearseStop(
  { pid, vasId, lasting }: Model,
  onImage?: (tried: TriedRestore) => Promise<void>,
): Promise<void> {
  const options = { patience: { limitMs: 0 }, hasFamily: onImage !== undefined };
  const session = await Session.seize(pid, undefined, options);
  try {
    checkRegisters(session.processes);
    const tree: Tree = onImage ? readTree(session, pid) : { pstree: [], forkers: new Map() };
    const { collection, close } = await takeStock(session, {
      containerId: 'rehearsal',
      ...{ vasId, initPid: pid, tmpfsMounts: [], ahead: undefined, stdio: undefined },
      ...{ tree, exec: 'refuse', lasting },
    });
    roomOf(pid);
    close();
    await onImage?.({
      ...collection,
      ...{ vasId, source: { backend: 'holder' }, spec: {} },
      ...{ kernelAreas: readKernelAreas(pid), mounts: readMountinfo(pid) },
    });
  } finally {
    isRehearsed = true;
    await session.close();
  }
}

/**
 * Stops a model of a container, where there is no container yet. Code that has often run, on values like those of a
 * container, is faster, also in forks of this process. Afterwards nothing is in progress.
 *
 * @param onImage gets what is known of it
 */
export async function rehearseStops(
  onImage: (tried: TriedRestore) => Promise<void>,
): Promise<void> {
  if (isFaulty()) return;
  const child = spawn(MODEL, [], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  const lasting = new Lasting();
  let end = () => child.kill('SIGKILL');
  try {
    const first = once(createInterface(child.stdout), 'line').then(([line]) => Number(line));
    const pid = await Promise.race([first, ended.then(() => 0)]);
    assertInvariant(pid !== 0, 'a model is there');
    const model = { pid: asHostPid(pid), vasId: NO_VAS, lasting };
    end = () => syscall(SYS.kill, pid, SIGKILL) === 0; // The other one reaps it, and ends.
    await rehearseStop(model, onImage);
  } finally {
    lasting.close();
    end();
    await ended;
  }
}
