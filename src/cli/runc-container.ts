// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShimError } from '../common/errors.js';
import type { DonorRuntime } from '../criu/index.js';
import type { Arguments } from './verb.js';

/** Where runc keeps containers when nothing else is said. */
const DEFAULT_RUNC_ROOT = '/run/runc';

/** Tells where runc keeps containers. */
export const RUNC_ROOT_OPTION = {
  type: 'string',
  value: 'DIR',
  default: DEFAULT_RUNC_ROOT,
  help: "runc's state directory",
  words: 'directory',
} as const;

/** Of verbs about one container. */
export const ONE_CONTAINER: Arguments = {
  synopsis: 'CONTAINER',
  min: 1,
  max: 1,
  wrong: 'takes one container',
  words: 'container',
};

/**
 * What runc's own state says of a container: its init's pid, and its bundle.
 *
 * @throws ShimError `notFound`, `failedPrecondition` for one that does not run
 */
export function runcContainer(runcRoot: string, id: string): { initPid: number; bundle: string } {
  const path = join(runcRoot, id, 'state.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ShimError('notFound', `container ${id}: runc does not know it (${path})`, { cause });
  }
  const pid = Number(/"init_process_pid":(\d+)/.exec(text)?.[1] ?? 0);
  const start = /"init_process_start":(\d+)/.exec(text)?.[1];
  if (pid <= 0 || start !== startOf(pid)) {
    throw new ShimError('failedPrecondition', `container ${id} has exited`);
  }
  const bundle = /"bundle=([^"]*)"/.exec(text)?.[1] ?? '';
  return { initPid: pid, bundle };
}

/** When a process was started: field 22 of proc(5)'s stat. By now the pid may be somebody else's. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined; // There is none.
  }
}

/**
 * A restore that fails deletes the container of its name: it must be its own.
 *
 * @throws ShimError `alreadyExists` for a name that runc knows
 */
export function refuseExisting(runcRoot: string, id: string): void {
  if (!existsSync(join(runcRoot, id))) return;
  const remedy = 'take another name, or delete it by runc delete';
  const message = `restore ${id}: runc has a container of this name; remedy: ${remedy}`;
  throw new ShimError('alreadyExists', message);
}

/** A creation runs hooks of others. */
const RUNC_LIMIT_MS = 120_000;

/** Makes and deletes containers with runc, their stdio on /dev/null. */
export function runcRuntime(runcRoot: string): DonorRuntime {
  return {
    create: ({ id, bundle, pidFile, consoleSocket }) => {
      const socket = consoleSocket === undefined ? [] : ['--console-socket', consoleSocket];
      return runRunc(runcRoot, [
        'create',
        '--bundle',
        bundle,
        '--pid-file',
        pidFile,
        ...socket,
        id,
      ]);
    },
    delete: (id) => runRunc(runcRoot, ['delete', '--force', id]),
  };
}

function runRunc(root: string, args: readonly string[]): Promise<void> {
  const logFile = join(tmpdir(), `mvas-runc-${String(process.pid)}-${randomUUID()}.log`);
  // A file, not a pipe: the container's init keeps it open. Without a name, so that nothing is left of it.
  const output = openSync(logFile, 'wx+', 0o600);
  unlinkSync(logFile);
  // In a session of its own: keys of our terminal interrupt us, and we clean up after it.
  const child = spawn('runc', ['--root', root, ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', output],
    timeout: RUNC_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  return new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new ShimError('unavailable', `run runc: ${cause.message}`, { cause }));
    });
    child.once('exit', (code, signal) => {
      const words = readFileSync(`/proc/self/fd/${String(output)}`, 'utf8').trim();
      const how = signal === null ? String(code) : `it was ended by ${signal}`;
      if (code === 0) resolve();
      else reject(new ShimError('unknown', `runc ${args[0] ?? ''}: ${words || how}`));
    });
  }).finally(() => {
    closeSync(output);
  });
}
