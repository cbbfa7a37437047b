// SPDX-License-Identifier: Apache-2.0
import { readSync } from 'node:fs';
import { asHostTid, type HostPid, type HostTid } from '../../common/ids.js';
import { assertInvariant, ShimError } from '../../common/errors.js';
import { forAll } from '../../common/for-all.js';
import { logger } from '../../common/log.js';
import { O, PTRACE } from '../../native/abi/index.js';
import { Tracer } from '../../native/index.js';
import { closeFd, errnoError, errnoName, memfd, sendWithFds } from '../../native/sys.js';
import { PLAN_HEADER_SIZE, REQUEST } from '../plan/abi.js';
import { readIdsOf } from '../procfs/many.js';
import { containerPid } from '../procfs/status.js';
import { execDuplicate } from './exec-duplicate.js';
import { forkHolder, type Forked } from './fork-holder.js';
import type { Plan } from '../plan/builder.js';
import type { Slot } from '../plan/values.js';
import { printable } from '../../common/bytes.js';
import { listThreads, readStatus } from '../procfs/reader.js';
import {
  byProcess,
  sendPendingStops,
  stopProcess,
  type BuiltProcess,
  type BuiltThread,
} from './job-control.js';
import type { ExecPlan } from '../plan/exec-plan.js';
import type { Given } from '../plan/given.js';
import type { RestorePlan } from '../plan/restore-plan.js';
import { applyFromOutside, auditThread } from '../resources/attributes.js';
import { isDoomed } from '../tracee/life-watch.js';
import { openOwn } from '../resources/files/system.js';
import { encodeCalls } from '../tracee/remote-calls.js';
import { syscallInstruction } from '../tracee/syscall-page.js';
import { writeMaps, type Birthplace } from '../user-namespace.js';
import {
  encodeRequest,
  planError,
  readFailure,
  type HolderClient,
  type PlanFailure,
} from '../vas/holder-client.js';

/** EXITKILL, SUSPEND_SECCOMP, TRACESYSGOOD, TRACECLONE (linux/ptrace.h). Processes are forked as traced ones. */
const OPTIONS = 0x100000 | 0x200000 | 0x1 | 0x8;
const STOP_TIMEOUT_MS = 10_000;
const PLAN_TIMEOUT_MS = 120_000;
const GONE_TIMEOUT_MS = 5_000;
const ECHILD = 10;
/** Low byte of the wait status of a stopped task. */
const STOPPED = 0x7f;
/** How many files one line of the log names. */
const MOST_NAMED = 5;
const log = logger('restore');

/** The fork of a holder that becomes a container. We trace it; until it is released, it dies when we die. */
export class Restorer {
  readonly pid: HostPid;
  /** Milliseconds that the fork of the holder took. */
  readonly forkMs: number;
  readonly #tracer = new Tracer();
  #socket: number;
  /** The helper that forks what came by exec. */
  #outside: Forked | undefined;
  #planFile = -1;
  #plan: RestorePlan | undefined;
  #finished: Plan | undefined;
  #standing: readonly HostTid[] = [];
  /** Where the vDSO has an instruction for system calls. */
  #callOffset: bigint | undefined;
  #isDestroyed = false;

  private constructor(pid: HostPid, socket: number, forkMs: number) {
    this.pid = pid;
    this.#socket = socket;
    this.forkMs = forkMs;
  }

  /** Forks a holder into its pid namespace and seizes the child, which waits for its plan. */
  static async fork(
    holder: HolderClient,
    { paths, maps, pid: nsPid }: Birthplace = { paths: [], maps: undefined },
  ): Promise<Restorer> {
    const joins = paths.map((path) => openOwn(path, O.rdonly));
    const into = nsPid === undefined ? 'new' : 'own';
    const where = { into, hasNewUser: maps !== undefined, joins, pid: nsPid } as const;
    const { pid, socket, forkMs } = await forkHolder(holder, where).finally(() => {
      for (const fd of joins) closeFd(fd);
    });
    const restorer = new Restorer(pid, socket, forkMs);
    try {
      await restorer.#seize(pid);
      if (maps) writeMaps(pid, maps);
      restorer.#standing = [pid];
      return restorer;
    } catch (error) {
      const wasKilled = restorer.wasKilled();
      await restorer.destroy();
      if (!wasKilled) throw error;
      throw new ShimError('aborted', 'the restorer was killed', { cause: error });
    }
  }

  /**
   * Forks the same holder once more, outside of the namespace: the helper that forks what came by exec. Returns its
   * pid.
   */
  async forkOutside(holder: HolderClient): Promise<HostPid> {
    const outside = await forkHolder(holder, { into: 'own' });
    this.#outside = outside;
    await this.#seize(outside.pid);
    return outside.pid;
  }

  async #seize(pid: HostPid): Promise<void> {
    const tids = Int32Array.of(pid);
    const [, seized = 0] = await this.#tracer.seize(tids, OPTIONS);
    if (seized !== 0) throw errnoError('trace the restorer', seized);
    const [, status = 0] = await this.#tracer.waitStops(tids, STOP_TIMEOUT_MS);
    if (status < 0) throw errnoError('stop the restorer', status);
    if ((status & 0xff) !== STOPPED) throw new ShimError('aborted', 'the restorer was killed');
  }

  /**
   * Sends the plan and the descriptors that it needs, which remain the caller's. Lets it run until
   * PID 1 has joined the donor's namespaces.
   */
  async start(plan: RestorePlan, descriptorOf: (given: Given) => number): Promise<void> {
    const finished = plan.finish();
    this.#plan = plan;
    this.#finished = finished;
    this.#planFile = memfd('mvas-plan', finished.bytes);
    const fds = plan.given.map((what) => (what === 'plan' ? this.#planFile : descriptorOf(what)));
    this.#send(this.#socket, plan.entry, fds);
    closeFd(this.#socket);
    this.#socket = -1;
    await this.#gather(1);
  }

  #send(socket: number, entry: number, fds: readonly number[]): void {
    const [plan, size] = [this.#running(), this.#finished?.bytes.length ?? 0];
    const request = encodeRequest(REQUEST.run, [BigInt(size), plan.address, BigInt(entry)]);
    sendWithFds(socket, request, [this.#planFile, ...fds]);
  }

  /** Lets the helper outside go on together with PID 1. */
  #startOutside({ outsideEntry: entry }: RestorePlan): void {
    if (entry === undefined) return;
    assertInvariant(this.#outside !== undefined, 'there is a helper for what came by exec');
    this.#send(this.#outside.socket, entry, []);
    this.#standing = [...this.#standing, this.#outside.pid];
  }

  /** Lets the plan run to its end; then all processes and threads exist. */
  async build(): Promise<readonly BuiltThread[]> {
    const plan = this.#running();
    this.#startOutside(plan);
    for (const { phase, standing } of plan.barriers) {
      await this.#gather(standing);
      if (phase === 'forked') this.#checkOpened(plan);
      if (phase === 'duplicated' && plan.exec) await this.#exec(plan.exec);
    }
    const byIds = new Map(plan.finalThreads.map((final) => [final.nsTid, final]));
    const ids = readIdsOf(this.#standing);
    const built = this.#standing.map((hostTid) => {
      const { tgid, nsTid } = ids.get(hostTid) ?? wasKilled(hostTid);
      const final = byIds.get(nsTid);
      if (!final) throw new ShimError('internal', `tid ${String(nsTid)} is not in the image`);
      return { hostPid: tgid, hostTid, final };
    });
    assertInvariant(built.length === byIds.size, 'every thread of the image stands at its end');
    return built;
  }

  /** Replaces every process's memory by the kernel's duplicate of it. */
  async #exec({ device, planFile, ...exec }: ExecPlan): Promise<void> {
    const fds = { device: this.#slot(device), plan: this.#slot(planFile) };
    for (const leader of this.#standing) {
      const status = readStatus(leader);
      const nsPid = containerPid(status);
      const request = exec.requestOf(nsPid);
      const target = { hostPid: status.tgid, nsPid, request, fds, ...exec };
      await execDuplicate(this.#tracer, target);
    }
  }

  /** Logs which open files have another inode number: some programs no longer accept them. */
  #checkOpened(plan: RestorePlan): void {
    const moved = plan.checkOpened((offset, length) => this.#read(offset, length));
    if (moved.length === 0) return;
    const files = moved.slice(0, MOST_NAMED).map(printable).join(', ');
    const count = moved.length;
    log.warn('open files have other inode numbers than at the checkpoint', { count, files });
  }

  /** The current value of a slot of the plan. */
  #slot({ index }: Slot): number {
    return Number(this.#read(PLAN_HEADER_SIZE + index * 8, 8).readBigInt64LE());
  }

  /** The current bytes of some data of the plan. */
  #read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#planFile, bytes, 0, length, offset);
    return bytes;
  }

  /**
   * Audits the threads, gives them their registers, takes our memory out, and lets them go. PID 1 has a signal
   * pending then, if one is given. `beforeRun` is awaited while they still stand.
   */
  async release(
    threads: readonly BuiltThread[],
    {
      signal,
      beforeRun,
    }: { readonly signal?: number | undefined; readonly beforeRun?: () => Promise<void> },
  ): Promise<void> {
    const plan = this.#running();
    const processes = byProcess(threads);
    for (const { leader } of processes) {
      applyFromOutside(leader.hostPid, plan.coreOf(leader.final), plan.limits);
    }
    for (const level of inOrder(processes)) {
      await forAll(level, (process) => this.#finish(process));
    }
    this.#audit(processes);
    await beforeRun?.();
    if (signal !== undefined) this.#announce(signal);
    // PID 1 comes last in both. As long as it may still die with us, so do all others; and it runs
    // when they do.
    const order = [...threads].sort((a, b) => b.final.nsTid - a.final.nsTid);
    // From here on our death no longer kills the container.
    await forAll(order, ({ hostTid }) => this.#tracer.request(PTRACE.setOptions, hostTid, 0, 0));
    await this.#tracer.detach(Int32Array.from(order.map(({ hostTid }) => hostTid)));
    this.#tracer.close();
    this.#closeFiles();
  }

  /** Whether someone else has killed it; then that is why the restore failed. */
  wasKilled(): boolean {
    const isOwnFailure = this.#planFile >= 0 && this.#failed().at !== 0n;
    return !isOwnFailure && isDoomed(this.pid);
  }

  #failed(): PlanFailure {
    return readFailure(this.#read(0, PLAN_HEADER_SIZE));
  }

  /** Kills everything; a second call does nothing. */
  async destroy(): Promise<void> {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    const pids = [this.pid, ...(this.#outside ? [this.#outside.pid] : [])];
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It is already gone.
      }
    }
    this.#tracer.close(); // What it holds dies with it, also in a pid namespace that goes on.
    this.#closeFiles();
    await waitGone([...pids, ...this.#standing]);
  }

  /** A signal that it does not expect would end it. */
  #announce(signal: number): void {
    const { caught, blocked } = readStatus(this.pid).signals;
    const isExpected = (((caught | blocked) >> BigInt(signal - 1)) & 1n) === 1n;
    if (isExpected) process.kill(this.pid, signal);
    else log.warn('no signal tells it that it is a clone: it does not handle it', { signal });
  }

  #audit(processes: readonly BuiltProcess[]): void {
    const plan = this.#running();
    for (const { hostPid, hostTid, final } of processes.flatMap(({ threads }) => threads)) {
      const differences = auditThread({ pid: hostPid, tid: hostTid }, plan.expected(final));
      if (differences.length > 0) {
        const who = `pid ${String(final.nsPid)} tid ${String(final.nsTid)}`;
        throw new ShimError('internal', `audit of ${who}: ${differences.join('; ')}`);
      }
    }
    for (const { leader, threads } of processes) {
      const count = listThreads(leader.hostPid).length;
      const what = `pid ${String(leader.final.nsPid)} has the threads of the image`;
      assertInvariant(count === threads.length, what);
    }
  }

  async #finish(process: BuiltProcess): Promise<void> {
    const { leader, threads } = process;
    await this.#cleanUp(leader);
    const { stopSignal } = leader.final;
    if (stopSignal !== undefined) await stopProcess(this.#tracer, process, stopSignal);
    for (const { hostTid, final } of threads) {
      const { registers, xstate, signalMask } = final.state();
      const error = await this.#tracer.writeThread(hostTid, registers, xstate, signalMask);
      if (error !== 0) throw errnoError(`set registers of tid ${String(final.nsTid)}`, error);
    }
    for (const thread of threads) sendPendingStops(thread);
  }

  /** The last remote calls of a process, made by the `syscall` instruction of its vDSO. */
  async #cleanUp({ hostPid, final }: BuiltThread): Promise<void> {
    const plan = this.#running();
    const calls = plan.lastCalls(final.nsPid);
    const label = `pid ${String(final.nsPid)}`;
    const vdso = plan.vdsoOf(final.nsPid);
    // All have the kernel's own; a duplicate may have been written to.
    const instruction =
      plan.exec || this.#callOffset === undefined
        ? syscallInstruction({ pid: hostPid, label }, vdso)
        : (vdso[0]?.start ?? 0n) + this.#callOffset;
    this.#callOffset = instruction - (vdso[0]?.start ?? 0n);
    const words = encodeCalls(calls);
    const results = await this.#tracer.remoteCalls(hostPid, instruction, 0n, words);
    const bad = results.find((result, index) => {
      return result < 0n && calls[index - 1]?.mayFail !== true; // The first batch covers all of them together.
    });
    if (bad !== undefined) throw errnoError('take our memory out', Number(bad));
  }

  /**
   * Lets the stopped threads go on until the given number stands still again. A process may only
   * end if the plan says so.
   */
  async #gather(expected: number): Promise<void> {
    const stopped: HostTid[] = [];
    const mortal: HostTid[] = [];
    let running = Int32Array.from(this.#standing);
    for (;;) {
      const wanted = expected - stopped.length;
      const died = Int32Array.from(mortal);
      const result = await this.#tracer.gather(running, wanted, died, PLAN_TIMEOUT_MS);
      for (const tid of result.stopped) stopped.push(asHostTid(tid));
      this.#standing = stopped;
      if (result.error === 0) return;
      const { culprit } = result;
      if (result.error !== -ECHILD) {
        throw this.#failure(result.error, culprit, result.culpritStatus);
      }
      this.#checkDeath(culprit);
      mortal.push(culprit);
      running = new Int32Array();
    }
  }

  /** The plan makes zombies and helpers end; any other process that ends was killed. 0: all have ended. */
  #checkDeath(tid: HostTid): void {
    if (tid === this.#outside?.pid) return;
    const nsTid = tid === 0 ? undefined : readStatus(tid).nsPid.at(-1);
    const { finalThreads } = this.#running();
    if (nsTid !== undefined && finalThreads.every((final) => final.nsTid !== nsTid)) return;
    throw new ShimError('aborted', `restore pid ${String(nsTid ?? 'unknown')}: it was killed`);
  }

  #failure(error: number, culprit: number, status: number): ShimError {
    const failed = this.#failed();
    if (failed.at !== 0n && this.#finished) return planError('restore ', this.#finished, failed);
    const how = `status 0x${status.toString(16)}`;
    const who = culprit === 0 ? '' : ` (tid ${String(culprit)}, ${how})`;
    return new ShimError('internal', `run the plan: ${errnoName(error)}${who}`);
  }

  #running(): RestorePlan {
    assertInvariant(this.#plan !== undefined, 'the restorer has a plan');
    return this.#plan;
  }

  #closeFiles(): void {
    if (this.#socket >= 0) closeFd(this.#socket);
    if (this.#planFile >= 0) closeFd(this.#planFile);
    if (this.#outside) closeFd(this.#outside.socket);
    this.#socket = -1;
    this.#planFile = -1;
    this.#outside = undefined;
  }
}

function wasKilled(hostTid: HostTid): never {
  throw new ShimError('aborted', `restore: tid ${String(hostTid)} was killed`);
}

/**
 * Processes in the order of their last steps, all of one list at once. Those of a parent are about its children that
 * job control had stopped: so where there are any, the deepest come first.
 */
function inOrder(processes: readonly BuiltProcess[]): (readonly BuiltProcess[])[] {
  if (processes.every(({ leader }) => leader.final.stopSignal === undefined)) return [processes];
  const levels: BuiltProcess[][] = [];
  for (const process of processes) (levels[process.leader.final.depth] ??= []).push(process);
  return levels.filter((level) => level.length > 0).reverse();
}

/** Waits a limited time until all of some ids are nobody's. */
async function waitGone(tids: readonly HostTid[]): Promise<void> {
  const end = performance.now() + GONE_TIMEOUT_MS;
  while (tids.some(isThere) && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function isThere(tid: HostTid): boolean {
  try {
    readStatus(tid);
    return true;
  } catch {
    return false;
  }
}
