// SPDX-License-Identifier: Apache-2.0
import { readlinkSync, statSync } from 'node:fs';
import { asHostPid, type HostPid } from '../../common/ids.js';
import { printable } from '../../common/bytes.js';
import { readNamespace, readStatus } from '../procfs/reader.js';
import { readVitalsOf } from '../procfs/many.js';
import { PidNamespace } from '../pid-namespace.js';
import type { Vitals } from '../procfs/stat.js';
import { Momentary } from '../retry.js';
import { labelOf } from './label.js';

/** The refusal because of a process from outside: most of these end soon. */
export class OutsiderInTheWay extends Momentary {}

/** The processes of a container by where they come from. */
export interface Origins {
  /** What each of them is doing, except for those that are gone. */
  readonly vitals: ReadonlyMap<HostPid, Vitals>;
  /** Those that descend from its init, or from one that the PID 1 of a shared pid namespace has inherited. */
  readonly own: readonly HostPid[];
  /**
   * Those that do not: started by exec, or about to enter it, and possibly in none of its namespaces yet; and their
   * descendants.
   */
  readonly outsiders: readonly HostPid[];
}

/** Sorts processes into those two. One that has ended is in nobody's way, and counts as the container's own. */
export function originsOf(initPid: HostPid, pids: readonly HostPid[]): Origins {
  const vitals = readVitalsOf(pids);
  const parents = new Map([...vitals].map(([pid, { ppid }]) => [pid, ppid]));
  const ended = new Set(pids.filter((pid) => (vitals.get(pid)?.state ?? 'Z') === 'Z'));
  const descendants = new Set(descendantsOf(initPid, parents));
  const isOwn = (pid: HostPid): boolean => descendants.has(pid) || ended.has(pid);
  const others = pids.filter((pid) => !isOwn(pid));
  for (const pid of adoptedOf(initPid, others, parents)) descendants.add(pid);
  return { vitals, own: pids.filter(isOwn), outsiders: others.filter((pid) => !isOwn(pid)) };
}

/**
 * Processes whose parent has ended, in a pid namespace that containers share, and their descendants: their parent is PID 1,
 * which is outside of the container.
 */
function adoptedOf(
  initPid: HostPid,
  pids: readonly HostPid[],
  parents: ReadonlyMap<HostPid, HostPid>,
): HostPid[] {
  if (pids.length === 0) return [];
  try {
    const namespace = new PidNamespace(initPid);
    return pids
      .filter((pid) => namespace.isAdopter(parents.get(pid) ?? pid) && namespace.has(pid))
      .flatMap((pid) => descendantsOf(pid, parents));
  } catch {
    return []; // The container is about to end.
  }
}

/** The rest of the links of /proc/PID/ns that an exec changes one after the other, before its program runs. */
const JOINED = ['pid', 'mnt', 'net', 'uts', 'ipc', 'user', 'cgroup'] as const;
/** How the names of runc's processes begin until then. */
const RUNC = 'runc:[';

/** Whether a process from outside does not run a program of the container yet, but is about to. */
export function isEntering(pid: HostPid, initPid: HostPid): boolean {
  try {
    const isInside = JOINED.every(
      (name) => readNamespace(pid, name) === readNamespace(initPid, name),
    );
    return !isInside || readStatus(pid).name.startsWith(RUNC) || isOfRuntime(pid);
  } catch {
    return true; // It is about to end, or has: whoever waits for it finds out.
  }
}

/** Whether the executable of a process is not the file of that name in the container. */
function isOfRuntime(pid: HostPid): boolean {
  const link = `/proc/${String(pid)}/exe`;
  const path = readlinkSync(link);
  if (path.endsWith(' (deleted)')) return false;
  const [own, inside] = [statSync(link), statSync(`/proc/${String(pid)}/root${path}`)];
  return own.dev !== inside.dev || own.ino !== inside.ino;
}

/** A process and all its descendants, given each one's parent. Pure. */
export function descendantsOf(
  ancestor: HostPid,
  parents: ReadonlyMap<HostPid, HostPid>,
): HostPid[] {
  const children = new Map<HostPid, HostPid[]>();
  for (const [pid, ppid] of parents) {
    if (pid === ancestor) continue;
    const siblings = children.get(ppid);
    if (siblings) siblings.push(pid);
    else children.set(ppid, [pid]);
  }
  const found = [ancestor];
  for (const pid of found) found.push(...(children.get(pid) ?? [])); // Those found on the way as well.
  return found;
}

/** Says which process is in the way. `execs`: names, by host pid, of those whose start the caller knows about. */
export function inTheWay(
  outsiders: readonly HostPid[],
  execs: ReadonlyMap<HostPid, string>,
): OutsiderInTheWay {
  const pid = outsiders.find((one) => execs.has(one)) ?? outsiders[0] ?? asHostPid(0);
  const exec = execs.get(pid);
  const by = exec === undefined ? '' : ` (exec ${printable(exec)})`;
  const what = `started from outside of the container${by}, and not to be taken along`;
  const remedy = 'remedy: end it (or its exec) first';
  return new OutsiderInTheWay('failedPrecondition', `${labelOf(pid)}: ${what}; ${remedy}`);
}
