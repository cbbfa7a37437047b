// SPDX-License-Identifier: Apache-2.0
import { spawn, type StdioOptions } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { createArgs, execArgs, globalArgs, type CreateArgs, type ExecArgs } from './args.js';
import { fromRuncLog, lastError } from './runc-log.js';
import type { RuncSettings } from './settings.js';

const log = logger('runc');

/** Standard streams of a container: descriptors of this process, or null for /dev/null. */
export type Stdio = readonly [number | null, number | null, number | null];

/** Runs runc for the containers of one bundle. Every method throws ShimError with runc's own words. */
export class Runc {
  readonly settings: RuncSettings;
  readonly #logFile: string;

  constructor(settings: RuncSettings, logFile: string) {
    this.settings = settings;
    this.#logFile = logFile;
  }

  /** Whether runc knows a container of that id. */
  knows(id: string): boolean {
    return existsSync(join(this.settings.root, id));
  }

  /** Creates a container; its init waits to be started. */
  async create(args: CreateArgs, stdio: Stdio): Promise<void> {
    await this.#run(createArgs(args), args.id, streams(stdio));
  }

  /** Lets a created container's init run. */
  async start(id: string): Promise<void> {
    await this.run(['start', id]);
  }

  /** Starts a process in a running container. */
  async exec(args: ExecArgs, stdio: Stdio): Promise<void> {
    await this.#run(execArgs(args), args.id, streams(stdio));
  }

  /** Deletes a container, killing what is left of it; one that is unknown is deleted already. */
  async delete(id: string): Promise<void> {
    if (!this.knows(id)) return;
    try {
      await this.run(['delete', '--force', id]);
    } catch (error) {
      if (ShimError.from(error).kind !== 'notFound') throw error;
    }
  }

  /** Changes limits: `resources` is the JSON of a LinuxResources. */
  async update(id: string, resources: string): Promise<void> {
    await this.#run(['update', '--resources=-', id], id, ['pipe', 'ignore', 'ignore'], resources);
  }

  /** Runs any verb; resolves with its stdout. The container's id is the last argument. */
  run(args: readonly string[]): Promise<string> {
    return this.#run(args, args.at(-1) ?? '', ['ignore', 'pipe', 'ignore']);
  }

  #run(args: readonly string[], id: string, stdio: StdioOptions, input?: string): Promise<string> {
    const began = performance.now();
    const verb = args[0] ?? '';
    const child = spawn(
      this.settings.binary,
      [...globalArgs(this.settings, this.#logFile), ...args],
      {
        stdio,
        env: environment(),
      },
    );
    child.stdin?.end(input);
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    return new Promise((resolve, reject) => {
      child.once('error', (cause) => {
        const message = `run ${this.settings.binary} ${verb}: ${cause.message}`;
        reject(new ShimError('unavailable', message, { cause }));
      });
      // 'exit' where streams go to the container, which keeps them open; 'close' to have all output.
      child.once(child.stdout === null ? 'exit' : 'close', (code: number | null) => {
        log.debug('runc done', {
          verb,
          id,
          code: String(code),
          ms: Math.round(performance.now() - began),
        });
        if (code === 0) resolve(output);
        else reject(fromRuncLog(verb, id, this.#lastError() ?? `exit status ${String(code)}`));
      });
    });
  }

  #lastError(): string | undefined {
    try {
      return lastError(readFileSync(this.#logFile, 'utf8'));
    } catch {
      return undefined; // runc did not come as far as opening its log.
    }
  }
}

function streams(stdio: Stdio): StdioOptions {
  return stdio.map((fd) => fd ?? 'ignore');
}

/** Ours, without the variable by which runc would report readiness to containerd's service manager. */
function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  delete env['NOTIFY_SOCKET'];
  return env;
}
