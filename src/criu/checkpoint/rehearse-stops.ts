// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { asHostPid, asVasId, type HostPid, type VasId } from '../../common/ids.js';
import { isFaulty } from '../faults.js';
import { Lasting } from '../lasting.js';
import { checkRegisters } from '../resources/attributes.js';
import { Session } from '../tracee/session.js';
import { roomOf } from './choose-twins.js';
import { takeStock } from './stop.js';

/** Waits, does nothing, and has some descriptors. */
const MODEL = 'cat';
/** How often a model is stopped before it ends. */
const STOPS = 2;
/** No VAS has it. */
const NO_VAS = asVasId('0'.repeat(32));

/** What a rehearsal stops. */
interface Model {
  /** A process of ours, which has no cgroup of its own, and which nobody waits for. */
  readonly pid: HostPid;
  readonly vasId: VasId;
  readonly lasting: Lasting;
}

/**
 * Stops a process, takes stock of it as of a container, and lets it go.
 *
 * @throws ShimError for what no container may have, at the end
 */
export async function rehearseStop({ pid, vasId, lasting }: Model): Promise<void> {
  const session = await Session.seize(pid, undefined, { patience: { limitMs: 0 } });
  try {
    checkRegisters(session.processes);
    const { close } = await takeStock(session, {
      containerId: 'rehearsal',
      ...{ vasId, initPid: pid, tmpfsMounts: [], ahead: undefined, stdio: undefined },
      tree: { pstree: [], forkers: new Map() },
      ...{ exec: 'refuse', lasting },
    });
    roomOf(pid);
    close();
  } finally {
    await session.close();
  }
}

/**
 * Stops a new process a few times, where there is no container yet. Code that has often run, on values like those of a
 * container, is faster, also in forks of this process. Afterwards nothing is in progress.
 */
export async function rehearseStops(): Promise<void> {
  if (isFaulty()) return;
  const child = spawn(MODEL, [], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  const lasting = new Lasting();
  try {
    await once(child, 'spawn');
    const model = { pid: asHostPid(child.pid ?? 0), vasId: NO_VAS, lasting };
    for (let stop = 0; stop < STOPS; stop++) {
      await rehearseStop(model).catch(() => undefined); // Its pipes lead to us.
    }
  } finally {
    lasting.close();
    child.kill('SIGKILL');
    await ended;
  }
}
