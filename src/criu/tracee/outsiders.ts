// SPDX-License-Identifier: Apache-2.0
import { printable } from '../procfs/bytes.js';
import { readStatus } from '../procfs/reader.js';
import { Momentary } from '../retry.js';
import { labelOf } from './label.js';

/**
 * Checks that all processes of a container descend from its init. Those that do not were started by exec,
 * or are just about to enter it: they may be in none of its namespaces yet.
 *
 * @param pids all processes of the container
 * @param execs names of those whose start the caller knows of, by host pid
 * @throws Momentary naming the process, since most of them end soon
 */
export function checkOutsiders(
  initPid: number,
  pids: readonly number[],
  execs: ReadonlyMap<number, string>,
): void {
  const own = new Set(pids);
  for (const pid of pids) {
    const { state, ppid } = readStatus(pid);
    if (pid === initPid || state === 'Z' || own.has(ppid)) continue;
    const exec = execs.get(pid);
    const by = exec === undefined ? '' : ` (exec ${printable(exec)})`;
    const what = `started from outside of the container${by}, which is not supported`;
    const remedy = 'remedy: end it (or its exec) first';
    throw new Momentary('failedPrecondition', `${labelOf(pid)}: ${what}; ${remedy}`);
  }
}
