// SPDX-License-Identifier: Apache-2.0
import { printable } from '../../common/bytes.js';
import { readVitals } from '../procfs/reader.js';
import { Momentary } from '../retry.js';
import { labelOf } from './label.js';

/** The refusal of a process from outside: most of them end soon. */
export class OutsiderInTheWay extends Momentary {}

/** The processes of a container by where they come from. */
export interface Origins {
  /** Those that descend from its init. */
  readonly own: readonly number[];
  /**
   * Those that do not: they were started by exec, or are just about to enter it, and may be in none of its
   * namespaces yet; and their descendants.
   */
  readonly outsiders: readonly number[];
}

/** Tells those apart. One that has ended is in nobody's way: own. */
export function originsOf(initPid: number, pids: readonly number[]): Origins {
  const parents = new Map<number, number>();
  const ended = new Set<number>();
  for (const pid of pids) {
    try {
      const { state, ppid } = readVitals(pid);
      parents.set(pid, ppid);
      if (state === 'Z') ended.add(pid);
    } catch {
      ended.add(pid);
    }
  }
  const descendants = new Set(descendantsOf(initPid, parents));
  const isOwn = (pid: number): boolean => descendants.has(pid) || ended.has(pid);
  return { own: pids.filter(isOwn), outsiders: pids.filter((pid) => !isOwn(pid)) };
}

/** A process and all that descend from it, by the parent of each. Pure. */
export function descendantsOf(ancestor: number, parents: ReadonlyMap<number, number>): number[] {
  const children = new Map<number, number[]>();
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

/** Says who is in the way. `execs`: names of those whose start the caller knows of, by host pid. */
export function inTheWay(
  outsiders: readonly number[],
  execs: ReadonlyMap<number, string>,
): OutsiderInTheWay {
  const pid = outsiders.find((one) => execs.has(one)) ?? outsiders[0] ?? 0;
  const exec = execs.get(pid);
  const by = exec === undefined ? '' : ` (exec ${printable(exec)})`;
  const what = `started from outside of the container${by}, which is not supported`;
  const remedy = 'remedy: end it (or its exec) first';
  return new OutsiderInTheWay('failedPrecondition', `${labelOf(pid)}: ${what}; ${remedy}`);
}
