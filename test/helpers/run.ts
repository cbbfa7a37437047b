// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { ShimError } from '../../src/common/errors.js';

/** How to run a command. */
export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Output goes to /dev/null: for commands that leave behind a process that would keep a pipe open. */
  readonly discardOutput?: boolean;
  /** Written to stdin, which is then closed; without it stdin is /dev/null. */
  readonly input?: string | Buffer;
  /** The command is killed and the run rejected after this many milliseconds; default 120 000. */
  readonly timeoutMs?: number;
}

/** The result of a command that ended. */
export interface RunResult {
  /** Exit code, or 128 + signal if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end and tells how it ended; rejects only if it cannot be started or hangs. */
export async function tryRun(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const output = options.discardOutput === true ? 'ignore' : 'pipe';
  const child = spawn(command, args, {
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: [options.input === undefined ? 'ignore' : 'pipe', output, output],
  });
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout?.on('data', (data: Buffer) => chunks.stdout.push(data));
  child.stderr?.on('data', (data: Buffer) => chunks.stderr.push(data));
  child.stdin?.on('error', () => undefined); // a command may end without reading all its input
  child.stdin?.end(options.input);
  const timeoutMs = options.timeoutMs ?? 120_000;
  return await new Promise<RunResult>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new ShimError(
          'deadlineExceeded',
          `${describe(command, args)}: ran over ${String(timeoutMs)} ms`,
        ),
      );
    }, timeoutMs);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new ShimError('unavailable', `${describe(command, args)}: cannot be run`, { cause }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        code: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15),
        stdout: Buffer.concat(chunks.stdout).toString(),
        stderr: Buffer.concat(chunks.stderr).toString(),
      });
    });
  });
}

/** Runs a command that has to succeed and resolves with its stdout. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const result = await tryRun(command, args, options);
  if (result.code !== 0) {
    const said = (result.stderr.trim() || result.stdout.trim()).slice(-2000);
    throw new ShimError(
      'unknown',
      `${describe(command, args)}: exit ${String(result.code)}: ${said}`,
    );
  }
  return result.stdout;
}

/**
 * Polls until `probe` resolves with something other than undefined or false; errors of `probe` count
 * as "not yet". Rejects with `deadlineExceeded` and the last error after `timeoutMs` and one last
 * call: this process itself may not have run in all that time.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  { timeoutMs = 60_000, everyMs = 25 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (let isLast = false; !isLast;) {
    isLast = performance.now() >= deadline;
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      cause = error;
    }
    await delay(everyMs);
  }
  throw new ShimError(
    'deadlineExceeded',
    `waited ${String(timeoutMs)} ms for ${what}${cause === undefined ? '' : `: ${ShimError.from(cause).message}`}`,
    { cause },
  );
}

/**
 * What is left of things that go by themselves: asks until there is nothing any more, or for as long as {@link until} waits, and
 * resolves with what there was at last.
 */
export async function leftAtLast<T>(ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
  let left: readonly T[] = [];
  await until('nothing to be left', async () => (left = await ask()).length === 0).catch(
    (error: unknown) => {
      if (left.length === 0) throw error; // It has never been told.
    },
  );
  return left;
}

function describe(command: string, args: readonly string[]): string {
  return [command, ...args].join(' ').slice(0, 300);
}
