// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { asNsPid } from '../../../../src/common/ids.js';
import { ShimError } from '../../../../src/common/errors.js';
import { buildTree, type TreeProcess } from '../../../../src/criu/tree/process-tree.js';
import { Kernel, simulate, type Simulated } from './simulation.js';

/** A restore creates any tree that a container can have reached, and refuses all others. */
const STEPS = [
  'fork',
  'fork',
  'fork',
  'setsid',
  'setpgid',
  'join',
  'exit',
  'reap',
  'runc',
  'crun',
] as const;
type Step = readonly [what: (typeof STEPS)[number], who: number, other: number];

const step: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom(...STEPS), fc.nat(), fc.nat());

/** Does what a process may do; leaves out what would fail. */
function take(kernel: Kernel, [what, who, other]: Step): void {
  const living = kernel.all.filter(({ isZombie }) => !isZombie);
  const { pid, sid } = living[who % living.length] ?? kernel.get(1);
  try {
    let free = 2;
    while (kernel.isTaken(free)) free += 1;
    if (what === 'fork') kernel.fork(pid, free);
    if (what === 'runc' || what === 'crun') kernel.exec(free, what);
    if (what === 'setsid') kernel.setsid(pid);
    if (what === 'setpgid') kernel.setpgid(pid, pid);
    if (what === 'join') {
      const groups = kernel.all
        .filter((one) => one.sid === sid && one.pgid !== 0)
        .map(({ pgid }) => pgid);
      kernel.setpgid(pid, groups[other % groups.length] ?? pid);
    }
    if (what === 'exit' && pid !== 1) kernel.exit(pid);
    if (what === 'reap') {
      const dead = kernel.all.filter(({ ppid, isZombie }) => ppid === pid && isZombie);
      const child = dead[other % dead.length];
      if (child) kernel.wait(pid, child.pid, true);
    }
  } catch {
    // EPERM: nothing has happened.
  }
}

function branded({ pid, ppid, pgid, sid, isZombie }: Simulated): TreeProcess {
  const ids = { pid: asNsPid(pid), ppid: asNsPid(ppid), pgid: asNsPid(pgid), sid: asNsPid(sid) };
  return { ...ids, isZombie, name: 'task' };
}

function processesOf(kernel: Kernel): TreeProcess[] {
  return kernel.all.map(branded).sort((a, b) => a.pid - b.pid);
}

const ORPHAN = {
  message: /PID 1 has inherited it|session 0, which its parent cannot have been in/,
};

/** Whether PID 1 has inherited a process of a session from outside, or one that was forked there: these are refused. */
function hasOrphanFromOutside(processes: readonly TreeProcess[]): boolean {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const descendsFromInit = ({ pid, ppid }: TreeProcess): boolean => {
    const parent = byPid.get(ppid);
    return pid === 1 || (parent !== undefined && descendsFromInit(parent));
  };
  return processes.some((process) => process.sid === 0 && descendsFromInit(process));
}

test('every history of forks, sessions, groups and ends can be made again', (t) => {
  const property = fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
    const kernel = new Kernel();
    for (const one of steps) take(kernel, one);
    const processes = processesOf(kernel);
    if (hasOrphanFromOutside(processes)) t.throws(() => buildTree(processes), ORPHAN);
    else t.deepEqual(processesOf(simulate(buildTree(processes), processes)), processes);
  });
  fc.assert(property, { numRuns: 1000 });
  t.pass();
});

test('what no history leads to is made right, or refused', (t) => {
  const id = fc.integer({ min: 0, max: 7 });
  const process = fc.record({
    pid: fc.integer({ min: 2, max: 7 }),
    ppid: id,
    pgid: id,
    sid: id,
    isZombie: fc.boolean(),
  });
  const init = { pid: 1, ppid: 0, pgid: 1, sid: 1, isZombie: false };
  const others = fc.uniqueArray(process, { selector: ({ pid }) => pid, maxLength: 6 });
  const property = fc.property(others, (rest) => {
    const processes = [init, ...rest].map(branded).sort((a, b) => a.pid - b.pid);
    let forest;
    try {
      forest = buildTree(processes);
    } catch (error) {
      if (error instanceof ShimError && /^(failedPrecondition|dataLoss)$/.test(error.kind)) return;
      throw error;
    }
    t.deepEqual(processesOf(simulate(forest, processes)), processes);
  });
  fc.assert(property, { numRuns: 5000 });
  t.pass();
});
