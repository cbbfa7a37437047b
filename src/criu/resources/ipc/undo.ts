// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import type { HostPid, HostTid } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import { KCMP } from '../../../native/abi/index.js';
import { errnoName, SYS } from '../../../native/sys.js';
import type { IpcDescEntry, MvasAdjustment } from '../../image/types.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { compareTasks, KcmpSet } from '../files/kcmp.js';
import type { Refusals } from '../files/refusals.js';
import { ADJUSTMENT, encodeSemOps, IPC_NOWAIT, SEM_MAX, SEM_UNDO, SEMBUF_BYTES } from './abi.js';
import type { SemOp } from './abi.js';
import { describe } from './words.js';

/*
 * What the kernel is to add to a semaphore when a process ends (SEM_UNDO) is shown nowhere. But an operation fails by
 * ERANGE that would take this adjustment out of its range (ipc/sem.c), and operations that are made together are made
 * all or not at all. So operations that would take it to its limit, followed by one that cannot be made, change nothing:
 * they fail by ERANGE if the adjustment is at or beyond a certain value, and otherwise by EAGAIN.
 *
 * Whether a process has ever used SEM_UNDO, or shares what it has with its threads, kcmp(2) tells.
 */

/** A semaphore set, and the values it has. */
export interface SemaphoreSet {
  readonly desc: IpcDescEntry;
  readonly values: Uint16Array;
}

/** Whom {@link dumpAdjustments} asks. */
export interface Asked {
  readonly processes: readonly TracedProcess[];
  /** A process that has never used SEM_UNDO. */
  readonly plainPid: HostPid;
}

const { EAGAIN, ERANGE, EACCES } = constants.errno;
/** So many operations may be made together by default, which all known hosts allow (SEMOPM). */
const MOST_OPS = 250;
/** An operation that cannot be made, whatever the value. */
const IMPOSSIBLE = -32768;
/** Operations on a semaphore that one question takes at most. */
const OPS_PER_QUESTION = 4;

/**
 * The adjustments of all processes, by the id of the semaphore set. Changes nothing.
 *
 * @param refusals gets what cannot be told
 */
export async function dumpAdjustments(
  sets: readonly SemaphoreSet[],
  { processes, plainPid }: Asked,
  refusals: Refusals,
): Promise<ReadonlyMap<number, MvasAdjustment[]>> {
  const found = new Map<number, MvasAdjustment[]>();
  if (sets.length === 0) return found;
  const users = processes.filter((process) => hasList(process, plainPid, refusals));
  refuseSharing(users, refusals);
  for (const process of users) {
    for (const set of sets) {
      const asker = new Asker(process, set);
      const adjustments = await asker.adjustments().catch((error: unknown) => {
        if (!(error instanceof NotTold)) throw error;
        refusals.add(process.label, error.message);
        return [];
      });
      found.set(set.desc.id, [...(found.get(set.desc.id) ?? []), ...adjustments]);
    }
  }
  return found;
}

/** Whether a process may have adjustments; its threads share them, or have none. */
function hasList(process: TracedProcess, plainPid: HostPid, refusals: Refusals): boolean {
  const isSame = (a: HostTid, b: HostTid): boolean => compareTasks(KCMP.sysvSem, a, b) === 0;
  for (const { tid, label } of process.threads) {
    if (isSame(tid, process.pid) || isSame(tid, plainPid)) continue;
    const why = 'has adjustments of semaphores (SEM_UNDO) of its own, which cannot be restored';
    refusals.add(label, `${why}; remedy: end it`);
  }
  return !isSame(process.pid, plainPid);
}

function refuseSharing(users: readonly TracedProcess[], refusals: Refusals): void {
  const set = new KcmpSet<TracedProcess>((a, b) => compareTasks(KCMP.sysvSem, a.pid, b.pid));
  for (const process of users) {
    const same = set.findOrAdd(process);
    if (same === process) continue;
    const why = `shares its adjustments of semaphores (CLONE_SYSVSEM) with ${same.label}`;
    refusals.add(process.label, `${why}; remedy: end one of them`);
  }
}

/** The kernel does not tell. */
class NotTold extends ShimError {}

/** Asks the kernel, by way of a process, for its adjustments of a set. */
class Asker {
  readonly #process: TracedProcess;
  readonly #set: SemaphoreSet;

  constructor(process: TracedProcess, set: SemaphoreSet) {
    this.#process = process;
    this.#set = set;
  }

  async adjustments(): Promise<MvasAdjustment[]> {
    const all = [...this.#set.values.keys()];
    const raised = await this.#thoseOf(all, (index) => this.#atLeast(index, 1));
    const lowered = await this.#thoseOf(all, (index) => this.#atMost(index, -1));
    const adjustments: MvasAdjustment[] = [];
    const add = (index: number, value: number): void => {
      adjustments.push({ pid: this.#process.nsPid, index, value });
    };
    for (const index of raised) add(index, await this.#highest(index));
    for (const index of lowered) add(index, await this.#lowest(index));
    return adjustments;
  }

  /** Those semaphores of which a question is answered by yes; asked of many at a time, as few have adjustments. */
  async #thoseOf(indexes: readonly number[], question: Question): Promise<number[]> {
    const { scratch } = this.#process.leader;
    const room = Math.min(MOST_OPS, Math.floor(scratch.size / SEMBUF_BYTES)) - 1;
    const most = Math.floor(room / OPS_PER_QUESTION);
    const found: number[] = [];
    for (let at = 0; at < indexes.length; at += most) {
      const some = indexes.slice(at, at + most);
      if (!(await this.#answer(some.flatMap(question)))) continue;
      for (const index of some) if (await this.#answer(question(index))) found.push(index);
    }
    return found;
  }

  /** The adjustment of a semaphore that has a positive one. */
  #highest(index: number): Promise<number> {
    return search(1, ADJUSTMENT.most, (value) => this.#answer(this.#atLeast(index, value)));
  }

  async #lowest(index: number): Promise<number> {
    const ask = (size: number): Promise<boolean> => this.#answer(this.#atMost(index, -size));
    return -(await search(1, -ADJUSTMENT.least, ask));
  }

  /** Out of range if the adjustment is at least `value`, from 1 on: it would become 32768. */
  #atLeast(index: number, value: number): SemOp[] {
    const raise = SEM_MAX - this.#valueOf(index);
    return [...step(index, raise), undone(index, value - (ADJUSTMENT.most + 1))];
  }

  /** Out of range if the adjustment is at most `value`, from -1 down: it would become -32769. */
  #atMost(index: number, value: number): SemOp[] {
    const lower = value - (ADJUSTMENT.least - 1);
    const ops = step(index, -this.#valueOf(index));
    if (lower <= SEM_MAX) return [...ops, undone(index, lower)];
    const rest = lower - SEM_MAX;
    return [...ops, undone(index, SEM_MAX), ...step(index, -SEM_MAX), undone(index, rest)];
  }

  #valueOf(index: number): number {
    return this.#set.values[index] ?? 0;
  }

  /** Whether any of these operations, with which nothing else is wrong, is out of range. */
  async #answer(ops: readonly SemOp[]): Promise<boolean> {
    const { leader, label } = this.#process;
    const all = [...ops, { index: ops[0]?.index ?? 0, op: IMPOSSIBLE, flags: IPC_NOWAIT }];
    const { address } = leader.scratch;
    leader.writeMemory(address, encodeSemOps(all));
    const { desc } = this.#set;
    const args = [desc.id, address, all.length];
    const [result = 0n] = await leader.remote([{ nr: SYS.semop, args }]);
    if (result === BigInt(-EAGAIN)) return false;
    if (result === BigInt(-ERANGE)) return true;
    const what = describe('semaphore set', desc);
    const reason = result === BigInt(-EACCES) ? 'may no longer change' : 'cannot be asked about';
    const why = `${reason} ${what} (${errnoName(Number(result))}), of which it may have adjustments`;
    const remedy = `(SEM_UNDO); remedy: remove that, or end ${label}`;
    throw new NotTold('failedPrecondition', `${why} ${remedy}`);
  }
}

/** Operations that come to `yes` or `no` by {@link Asker}. */
type Question = (index: number) => SemOp[];

function step(index: number, op: number): SemOp[] {
  return op === 0 ? [] : [{ index, op, flags: IPC_NOWAIT }];
}

function undone(index: number, op: number): SemOp {
  return { index, op, flags: IPC_NOWAIT | SEM_UNDO };
}

/** The largest of a range of which a question, which is true of the least, is true. */
async function search(
  least: number,
  most: number,
  isTrue: (value: number) => Promise<boolean>,
): Promise<number> {
  let [low, high] = [least, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (await isTrue(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
