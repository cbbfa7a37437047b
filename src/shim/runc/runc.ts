// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { mark } from '../../common/trace.js';
import { startChild, type Child } from '../../native/children.js';
import { ExecFifo } from './exec-fifo.js';
import { hasEnded } from './has-ended.js';
import { removeEnded } from './remove-ended.js';
import {
  createArgs,
  execArgs,
  globalArgs,
  killArgs,
  type CreateArgs,
  type ExecArgs,
} from './args.js';
import { fromRuncLog, lastError } from './runc-log.js';
import type { RuncSettings } from './settings.js';

const log = logger('runc');

/** Standard streams of a container: descriptors of this process, or null for /dev/null. */
export type Stdio = readonly [number | null, number | null, number | null];

const NO_STREAMS: Stdio = [null, null, null];

/** A deletion kills processes and runs hooks; beyond this limit, it is considered hung. */
const DELETE_LIMIT_MS = 10_000;
/** Limit for verbs that others have to wait for. */
const VERB_LIMIT_MS = 10_000;

interface RunOptions {
  readonly stdio?: Stdio;
  /** Kills runc. */
  readonly signal?: AbortSignal;
}

/** Runs runc for the containers of one bundle. Every method throws ShimError with runc's own words. */
export class Runc {
  readonly settings: RuncSettings;
  readonly #logFile: string;
  #aborted = new AbortController();

  constructor(settings: RuncSettings, logFile: string) {
    this.settings = settings;
    this.#logFile = logFile;
  }

  /** Whether runc knows a container with that id. */
  knows(id: string): boolean {
    return existsSync(this.#stateOf(id));
  }

  #stateOf(id: string): string {
    return join(this.settings.root, id);
  }

  /** Whether it is runc itself, so that what it would do for a container is known. It takes 6 ms to begin with anything. */
  get #isRunc(): boolean {
    const { binary, systemdCgroup } = this.settings;
    return basename(binary) === 'runc' && !systemdCgroup;
  }

  /** Creates a container; its init waits to be started. */
  async create(args: CreateArgs, stdio: Stdio, signal?: AbortSignal): Promise<void> {
    const ending = signal === undefined ? {} : { signal };
    await this.#run(createArgs(args), args.id, { stdio, ...ending });
  }

  /** Lets a created container's init run. */
  async start(id: string): Promise<void> {
    const { signal } = this.#aborted;
    const fifo = this.#isRunc ? ExecFifo.open(this.#stateOf(id)) : undefined;
    try {
      if (await fifo?.hasPassed(signal)) return;
    } finally {
      fifo?.close();
    }
    await this.#run(['start', id], id, { signal });
  }

  /** Starts a process in a running container. */
  async exec(args: ExecArgs, stdio: Stdio, ending: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([this.#aborted.signal, ending]);
    await this.#run(execArgs(args), args.id, { stdio, signal });
  }

  /** Deletes a container and kills what is left of it; an unknown one counts as deleted. */
  async delete(id: string, limitMs = DELETE_LIMIT_MS): Promise<void> {
    if (!this.knows(id)) return;
    const signal = AbortSignal.timeout(limitMs);
    // With --force, runc 1.2 and later sleep for 100 ms even if there is nothing to kill.
    if (hasEnded(this.#stateOf(id)) && (await this.#deletes(id, signal))) return;
    try {
      await this.#run(['delete', '--force', id], id, { signal });
    } catch (error) {
      if (ShimError.from(error).kind !== 'notFound') throw error;
    }
  }

  /** Deletes a container whose init has ended; false if runc sees that differently. */
  async #deletes(id: string, signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#isRunc && removeEnded(this.#stateOf(id))) return true;
      await this.#run(['delete', id], id, { signal });
      return true;
    } catch (error) {
      log.debug('deleted by force', { id, error: String(error) });
      return false;
    }
  }

  /** Changes limits: `resources` is the JSON of a LinuxResources. */
  async update(id: string, resources: string): Promise<void> {
    // Not by stdin: crun 1.8 opens /dev/stdin, which fails for a socket, as Node.js provides it.
    const file = `${this.#logFile}.resources`;
    writeFileSync(file, resources, { mode: 0o600 });
    await this.#order(['update', '--resources', file, id], id).finally(() => {
      rmSync(file);
    });
  }

  /** Freezes all processes. */
  async pause(id: string): Promise<void> {
    await this.#order(['pause', id], id);
  }

  /** Lets them go on. */
  async resume(id: string): Promise<void> {
    await this.#order(['resume', id], id);
  }

  /** Signals init, or all processes. */
  async kill(id: string, signal: number, all: boolean): Promise<void> {
    await this.#order(killArgs(id, signal, all), id);
  }

  /** Runs a verb within the limit, and only as long as the container lives. */
  async #order(args: readonly string[], id: string, how: RunOptions = {}): Promise<void> {
    const signal = AbortSignal.any([this.#aborted.signal, AbortSignal.timeout(VERB_LIMIT_MS)]);
    await this.#run(args, id, { ...how, signal });
  }

  /** Kills every running runc except create and delete: their container is dead. */
  abort(): void {
    this.#aborted.abort();
    this.#aborted = new AbortController();
  }

  async #run(args: readonly string[], id: string, how: RunOptions): Promise<void> {
    const { stdio = NO_STREAMS, signal } = how;
    const began = performance.now();
    const verb = args[0] ?? '';
    const { binary } = this.settings;
    const failure = (why: string, cause: unknown): ShimError =>
      new ShimError('unknown', `run ${binary} ${verb} for task ${id}: ${why}`, { cause });
    mark(`runtime ${verb}`);
    let child: Child;
    try {
      const all = [...globalArgs(this.settings, this.#logFile), ...args];
      child = startChild({ file: binary, args: all, env: environment(), fds: stdio, signal });
    } catch (error) {
      throw failure(ShimError.from(error).message, error);
    }
    const status = await child.ended;
    mark(`runtime ${verb} done`);
    const ms = Math.round(performance.now() - began);
    log.debug('runc done', { verb, id, status: String(status), ms });
    if (status === 0) return;
    if (signal?.aborted) throw failure('it did not end in time', signal.reason);
    throw fromRuncLog(verb, id, this.#lastError() ?? `exit status ${String(status)}`);
  }

  #lastError(): string | undefined {
    try {
      return lastError(readFileSync(this.#logFile, 'utf8'));
    } catch {
      return undefined; // runc did not get as far as opening its log.
    }
  }
}

/** Ours, without the variable that would make runc report readiness to containerd's service manager. */
function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  delete env['NOTIFY_SOCKET'];
  return env;
}
