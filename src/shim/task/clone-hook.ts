// SPDX-License-Identifier: Apache-2.0
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatJson, parseJson } from '../../common/big-json.js';
import { assertNotAborted, ShimError } from '../../common/errors.js';
import type { HostPid } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { readPidFile, type Spec } from '../bundle.js';
import type { CloneHook } from './clone-policy.js';
import type { LaunchContext } from './launch.js';

/** No id of an exec begins with a dot. */
const NAME = '.mvas-hook';
const log = logger('task');

/**
 * Runs a command in a restored container none of whose processes runs yet, as an exec of its user, with its environment
 * and limits. What it leaves behind when its time is up is killed.
 *
 * @throws ShimError if the command has to succeed and does not, or if the signal is aborted
 */
export async function runHook(
  context: LaunchContext,
  hook: CloneHook,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await run(context, hook, signal);
  } catch (error) {
    assertNotAborted(signal, `hook of ${context.id}`);
    if (hook.isRequired) throw error;
    log.warn('goes on without its hook', {
      task: context.id,
      reason: ShimError.from(error).message,
    });
  }
}

async function run(
  context: LaunchContext,
  { args, limitMs }: CloneHook,
  signal: AbortSignal | undefined,
): Promise<void> {
  const limit = AbortSignal.timeout(limitMs);
  const ending = signal ? AbortSignal.any([limit, signal]) : limit;
  const what = `hook of ${context.id} (${args.join(' ')})`;
  const pid = await start(context, args, ending).catch((cause: unknown) => {
    if (limit.aborted) throw isLate(what, limitMs);
    throw new ShimError('failedPrecondition', `${what}: ${ShimError.from(cause).message}`, {
      cause,
    });
  });
  const exited = context.exits.exitOf(pid);
  const ended = await Promise.race([exited, aborted(ending)]);
  if (ended === undefined) {
    killAll(pid);
    await exited;
    throw isLate(what, limitMs);
  }
  if (ended.status === 0) return;
  throw new ShimError(
    'failedPrecondition',
    `${what}: it has ended with status ${String(ended.status)}`,
  );
}

/** Starts it by the runtime; resolves with its pid. */
async function start(
  { id, bundle, runc, exits }: LaunchContext,
  args: readonly string[],
  ending: AbortSignal,
): Promise<HostPid> {
  const [processFile, pidFile] = [bundle.execSpec(NAME), bundle.execPid(NAME)];
  const spec = parseJson(readFileSync(join(bundle.path, 'config.json'), 'utf8')) as Spec;
  const own = { ...spec.process, args, terminal: false, consoleSize: undefined };
  writeFileSync(processFile, formatJson(own), { mode: 0o600 });
  try {
    return await exits.launching(async () => {
      await runc.exec({ id, processFile, pidFile }, [null, null, null], ending);
      return readPidFile(pidFile);
    });
  } finally {
    rmSync(processFile, { force: true });
    rmSync(pidFile, { force: true });
  }
}

function isLate(what: string, limitMs: number): ShimError {
  return new ShimError(
    'deadlineExceeded',
    `${what}: it has not ended within ${String(limitMs)} ms`,
  );
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const end = (): void => {
      resolve(undefined);
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}

/** Kills a process and what it has started. It is stopped before its children are looked up. */
function killAll(pid: HostPid): void {
  kill(pid, 'SIGSTOP');
  for (const child of childrenOf(pid)) killAll(child);
  kill(pid, 'SIGKILL');
}

function childrenOf(pid: HostPid): HostPid[] {
  try {
    const text = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number) as HostPid[];
  } catch {
    return [];
  }
}

function kill(pid: HostPid, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
