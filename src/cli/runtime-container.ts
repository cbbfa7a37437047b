// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { HostPid } from '../common/ids.js';
import { ShimError } from '../common/errors.js';
import { readRuntimeState } from '../common/runtime-state.js';
import type { DonorRuntime } from '../criu/index.js';
import type { Arguments } from './verb.js';

/** Which OCI runtime manages the containers. */
export const RUNTIME_OPTION = {
  type: 'string',
  value: 'BINARY',
  default: 'runc',
  help: 'the OCI runtime of the container: runc or crun, by name or path',
  words: 'file',
} as const;

/** Where the runtime keeps containers. */
export const RUNTIME_ROOT_OPTION = {
  type: 'string',
  value: 'DIR',
  help: "the runtime's state directory (default: /run/ and the runtime's name)",
  words: 'directory',
} as const;

/** A runtime, and where it keeps containers. */
export interface Runtime {
  readonly binary: string;
  readonly root: string;
}

/** The runtime that a command line names. */
export function runtimeOf(values: {
  readonly runtime: string;
  readonly 'runc-root': string | undefined;
}): Runtime {
  const { runtime: binary, 'runc-root': root = join('/run', basename(binary)) } = values;
  return { binary, root };
}

/** The arguments of verbs about one container. */
export const ONE_CONTAINER: Arguments = {
  synopsis: 'CONTAINER',
  min: 1,
  max: 1,
  wrong: 'takes one container',
  words: 'container',
};

/**
 * What the runtime's own state says about a container: its init's pid, and its bundle.
 *
 * @throws ShimError `notFound`, `failedPrecondition` for one that does not run
 */
export function findContainer(
  { binary, root }: Runtime,
  id: string,
): { readonly initPid: HostPid; readonly bundle: string } {
  const directory = join(root, id);
  const state = readRuntimeState(directory);
  if (state === undefined) {
    const message = `container ${id}: ${basename(binary)} does not know it (${directory})`;
    throw new ShimError('notFound', message);
  }
  const { initPid, initStart, bundle } = state;
  if (initPid <= 0 || initStart !== startOf(initPid)) {
    throw new ShimError('failedPrecondition', `container ${id} has exited`);
  }
  return { initPid, bundle };
}

/** When a process was started: field 22 of proc(5)'s stat. The pid may have been reused since. */
function startOf(pid: HostPid): string | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined; // There is no such process.
  }
}

/**
 * A restore that fails deletes the container of that name, which must not be another's.
 *
 * @throws ShimError `alreadyExists` for a name that the runtime knows
 */
export function refuseExisting({ binary, root }: Runtime, id: string): void {
  if (!existsSync(join(root, id))) return;
  const name = basename(binary);
  const remedy = `take another name, or delete it by ${name} delete`;
  const message = `restore ${id}: ${name} has a container of this name; remedy: ${remedy}`;
  throw new ShimError('alreadyExists', message);
}

/** Creating a container runs hooks, which may take long. */
const RUNTIME_LIMIT_MS = 120_000;

/** Creates and deletes containers, with their stdio on /dev/null. */
export function donorRuntime(runtime: Runtime): DonorRuntime {
  return {
    create: ({ id, bundle, pidFile, consoleSocket, signal }) => {
      const socket = consoleSocket === undefined ? [] : ['--console-socket', consoleSocket];
      const paths = ['--bundle', bundle, '--pid-file', pidFile, ...socket];
      return run(runtime, ['create', ...paths, id], signal);
    },
    delete: (id) => run(runtime, ['delete', '--force', id]),
  };
}

function run(
  { binary, root }: Runtime,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const name = basename(binary);
  const logFile = join(tmpdir(), `mvas-${name}-${String(process.pid)}-${randomUUID()}.log`);
  // A file, not a pipe: the container's init keeps it open. It has no name, so nothing is left behind.
  const output = openSync(logFile, 'wx+', 0o600);
  unlinkSync(logFile);
  // In a session of its own: keys of our terminal interrupt only us, and we clean up after it.
  const child = spawn(binary, ['--root', root, ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', output],
    timeout: RUNTIME_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  signal?.addEventListener('abort', kill);
  return new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new ShimError('unavailable', `run ${binary}: ${cause.message}`, { cause }));
    });
    child.once('exit', (code, killedBy) => {
      const words = readFileSync(`/proc/self/fd/${String(output)}`, 'utf8').trim();
      const how = killedBy === null ? String(code) : `it was ended by ${killedBy}`;
      if (code === 0) resolve();
      else reject(new ShimError('unknown', `${name} ${args[0] ?? ''}: ${words || how}`));
    });
  }).finally(() => {
    signal?.removeEventListener('abort', kill);
    closeSync(output);
  });
}
