// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ShimError } from '../../src/common/errors.js';
import { Scope } from '../../src/common/scope.js';
import { cleanUpIfInterrupted } from './interruption.js';
import { Pod } from './pod.js';
import { makeBundle } from './targets-bundle.js';
import { runCommand } from './targets-engine.js';
import type { CommandResult, Engine, Place } from './targets-engine.js';
import { Output, withWriter, type OutputKind } from './targets-output.js';
import type { Target } from './targets.js';
import { extraCapabilities } from './targets.js';
import type { View } from './targets-view.js';
import { differences, isAtRest, isInitAlive, viewOf } from './targets-view.js';

/** The last line that a target prints. */
export type Verdict = 'PASS' | `FAIL${string}` | `SKIP${string}`;

const VERDICT = /^(PASS|FAIL|SKIP)/;
/** For a busy machine, and for an emulated one, which checks 32 MiB byte by byte. */
const READY_TIMEOUT_MS = 60_000;
const VERDICT_TIMEOUT_MS = 100_000;
const REST_TIMEOUT_MS = 20_000;
const POLL_MS = 10;

/** What ldd(1) says a binary loads, its loader included; nothing for a static one. */
export function librariesOf(binary: string): string[] {
  const { stdout } = spawnSync('ldd', [binary], { encoding: 'utf8' });
  return [...stdout.matchAll(/(?:=> |^\t)(\/\S+)/gm)].map((match) => match[1] ?? '');
}

/** How a target runs. */
export interface RunOptions {
  /** What its output goes into. */
  readonly kind?: OutputKind;
  /** See {@link BundleRequest}. */
  readonly firstId?: number | undefined;
  /** Whether it shares a pid namespace: another one after each restore. */
  readonly sharesPids?: boolean;
}

/**
 * One target in one container: started by runc in a root of its own, checkpointed and restored by an
 * engine. Everything lies in one temporary directory.
 */
export class TargetRun {
  readonly folder: string;
  readonly place: Place;
  readonly #target: Target;
  readonly #engine: Engine;
  readonly #outputKind: OutputKind;
  readonly #scope = new Scope();
  readonly #settled = cleanUpIfInterrupted(() => this.#scope.close());
  #generation = 0;
  #outputs = 0;
  #checkpointed = 0;
  #isDeletedAtLast = false;
  #output: Output | undefined;
  #pod: Pod | undefined;

  constructor(
    target: Target,
    engine: Engine,
    binary: string,
    { kind = 'fifo', firstId, sharesPids = false }: RunOptions = {},
  ) {
    this.#outputKind = kind;
    this.#target = target;
    this.#engine = engine;
    this.folder = mkdtempSync(join(tmpdir(), 'mvas-target-'));
    const id = `${target.name}-${this.folder.slice(-6)}`.replaceAll('_', '-');
    this.place = { id, bundle: join(this.folder, 'bundle'), runcRoot: join(this.folder, 'runc') };
    makeBundle({
      path: this.place.bundle,
      binary,
      cgroup: `/mvas-target-${id}`,
      extraCapabilities: extraCapabilities(target),
      wantsRealtime: target.needs.includes('realtime'),
      wantsPing: target.needs.includes('ping'),
      libraries: librariesOf(binary),
      firstId,
      pidNamespace: this.#newPod(sharesPids),
    });
    if (firstId !== undefined)
      for (const folder of [this.folder, this.place.bundle]) chmodSync(folder, 0o711);
  }

  /** The path of a new pid namespace, which is gone when this is closed; undefined if it needs none. */
  #newPod(isWanted: boolean): string | undefined {
    if (!isWanted) return undefined;
    this.#pod = new Pod();
    this.#scope.defer('end the pod', this.#pod.end);
    return this.#pod.namespace;
  }

  /** Names of the processes in its pod, apart from PID 1; none if it has none. */
  othersInPod(): string[] {
    return this.#pod?.others() ?? [];
  }

  /** Gives the container the pid namespace of a new pod. */
  renewPod(): void {
    const before = this.#pod?.namespace;
    const after = this.#newPod(before !== undefined);
    if (before === undefined || after === undefined) return;
    const config = join(this.place.bundle, 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll(before, after));
  }

  /** Starts the target; resolves with `READY` or with its early verdict. */
  async start(): Promise<string> {
    const argv = this.#runc('run', '--detach', '--bundle', this.place.bundle, this.place.id);
    const result = await withWriter(this.#nextOutput(), (fd) =>
      runCommand(this.#engine.wrapStart(argv), fd),
    );
    this.#deleteAtLast();
    if (result.status !== 0) throw await this.#failed('runc run', result);
    return this.#out.waitFor(/^(READY|FAIL|SKIP)/, READY_TIMEOUT_MS);
  }

  /** Checkpoints into a new image directory. Never throws for a refusal: look at `status`. */
  async checkpoint(leaveRunning: boolean): Promise<{ imagePath: string; result: CommandResult }> {
    this.#generation += 1;
    const imagePath = join(this.folder, `image.${String(this.#generation)}`);
    if (this.#generation === 1) {
      this.#scope.defer('drop the VASes', () => this.#engine.discard(this.place));
    }
    this.#checkpointed = await this.initPid();
    const result = await this.#engine.checkpoint(this.place, imagePath, leaveRunning);
    if (result.status === 0 && !(existsSync(imagePath) && readdirSync(imagePath).length > 0)) {
      throw new ShimError('internal', `checkpoint said yes and wrote nothing to ${imagePath}`);
    }
    return { imagePath, result };
  }

  /** Deletes what is left of the killed container and restores it under its old name. */
  async restore(imagePath: string): Promise<void> {
    await this.#waitForEnd(this.#checkpointed);
    await this.#delete();
    this.renewPod();
    const output = this.#nextOutput();
    const result = await withWriter(output, (fd) =>
      this.#engine.restore(this.place, imagePath, fd),
    );
    this.#deleteAtLast();
    const said = await output.drain();
    if (result.status !== 0) {
      throw new ShimError('internal', `restore: ${result.stderr}${said.join('\n')}`);
    }
  }

  /** Host pid of the container's init, 0 when it has stopped. */
  async initPid(): Promise<number> {
    const result = await runCommand(this.#runc('state', this.place.id));
    if (result.status !== 0) throw await this.#failed('runc state', result);
    const state = JSON.parse(result.stdout) as { pid: number };
    return state.pid;
  }

  /** The outside view once all threads rest and two looks in a row agree. */
  async view(): Promise<View> {
    const pid = await this.initPid();
    const deadline = performance.now() + REST_TIMEOUT_MS;
    const whose = this.#target.varies.includes('rest') ? 'init' : 'all';
    let view = viewOf(pid, this.folder);
    for (;;) {
      await delay(POLL_MS);
      // Asked first: a thread that comes to rest only now may have looked different just before.
      const isResting = isAtRest(pid, whose);
      const next = viewOf(pid, this.folder);
      const isSettled = isResting && differences(view, next, []).length === 0;
      if (isSettled || performance.now() > deadline) return next;
      view = next;
    }
  }

  /** How the container differs from an earlier view; waits a little until it does not. */
  async compare(before: View): Promise<string[]> {
    const pid = await this.initPid();
    const deadline = performance.now() + REST_TIMEOUT_MS;
    for (;;) {
      const found = differences(before, viewOf(pid, this.folder), this.#target.varies);
      if (found.length === 0 || performance.now() > deadline) return found;
      await delay(POLL_MS);
    }
  }

  /** Tells the target, through runc, to go on; resolves with the verdict once init has ended. */
  async go(): Promise<Verdict> {
    const early = this.#out.lines.find((line) => VERDICT.test(line));
    if (early !== undefined) return early as Verdict;
    const pid = await this.initPid();
    const sent = await runCommand(this.#runc('kill', this.place.id, 'TERM'));
    if (sent.status !== 0) throw await this.#failed('runc kill', sent);
    const verdict = await this.#out.waitFor(VERDICT, VERDICT_TIMEOUT_MS);
    await this.#waitForEnd(pid);
    return verdict as Verdict;
  }

  /** What the container, and the engine that restored it, have said so far. */
  get said(): readonly string[] {
    return this.#out.lines;
  }

  /** Removes the container and what checkpoints kept; the folder too unless it is evidence. */
  async close(keepFolder: boolean): Promise<void> {
    await this.#scope.close();
    this.#settled();
    if (!keepFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  get #out(): Output {
    if (!this.#output) throw new ShimError('internal', 'the target has not been started');
    return this.#output;
  }

  #nextOutput(): Output {
    this.#outputs += 1;
    const fifo = join(this.folder, `stdio.${String(this.#outputs)}`);
    const output = new Output(fifo, this.#outputKind);
    this.#scope.defer('close the output', () => {
      output.close();
    });
    this.#output = output;
    return output;
  }

  #runc(...args: readonly string[]): string[] {
    return ['runc', '--root', this.place.runcRoot, ...args];
  }

  #deleteAtLast(): void {
    if (this.#isDeletedAtLast) return;
    this.#isDeletedAtLast = true;
    this.#scope.defer('delete the container', async () => this.#delete());
  }

  async #delete(): Promise<void> {
    if (!existsSync(join(this.place.runcRoot, this.place.id))) return;
    const result = await runCommand(this.#runc('delete', '--force', this.place.id));
    if (result.status !== 0) throw await this.#failed('runc delete', result);
  }

  async #waitForEnd(pid: number): Promise<void> {
    const deadline = performance.now() + VERDICT_TIMEOUT_MS;
    while (isInitAlive(pid)) {
      if (performance.now() > deadline) {
        throw new ShimError('deadlineExceeded', `init (pid ${String(pid)}) has not ended`);
      }
      await delay(POLL_MS);
    }
  }

  async #failed(what: string, result: CommandResult): Promise<ShimError> {
    const said = (await this.#output?.drain()) ?? [];
    return new ShimError('internal', `${what}: ${result.stderr}${said.join('\n')}`);
  }
}
