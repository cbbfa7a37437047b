// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { logger } from '../common/log.js';
import { restore, type RestoredTask, type RestoreRequest } from '../criu/index.js';
import { PidFile } from './pid-file.js';
import { requireRoot } from './root.js';
import { DEFAULT_RUNC_ROOT, refuseExisting, runcRuntime } from './runc-container.js';
import { SignalRelay } from './signal-relay.js';
import { parseOptions, UsageError } from './usage.js';

const log = logger('restore');

export const RESTORE_HELP = `Usage: mvas restore [OPTIONS] CONTAINER

Restores a container from a checkpoint, for runc to go on with. Its stdio becomes that of mvas, or its
terminal one whose master goes to the console socket.

As runc, mvas waits for it unless it is detached: hands SIGINT, SIGTERM, SIGHUP and SIGQUIT on to its init,
deletes it once it has exited, and exits as it did. Before it runs these signals cancel the restore.

Options:
      --image-path DIR  the checkpoint's metadata (default: ./checkpoint)
  -b, --bundle DIR      bundle of the container (default: .)
      --runc-root DIR   runc's state directory (default: ${DEFAULT_RUNC_ROOT})
      --console-socket PATH
                        unix socket for the master of the container's terminal
      --pid-file FILE   where the pid of its init is written to
  -d, --detach          return once it runs
      --json            print what was done as JSON
`;

/** What `mvas restore` came to. */
export interface RestoreOutcome {
  readonly text: string;
  readonly exitCode: number;
}

/** Runs `mvas restore`. */
export async function runRestore(args: readonly string[]): Promise<RestoreOutcome> {
  const { values, positionals } = parseOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      'image-path': { type: 'string', default: 'checkpoint' },
      bundle: { type: 'string', short: 'b', default: '.' },
      'runc-root': { type: 'string', default: DEFAULT_RUNC_ROOT },
      'console-socket': { type: 'string' },
      'pid-file': { type: 'string' },
      detach: { type: 'boolean', short: 'd', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { text: RESTORE_HELP, exitCode: 0 };
  const [containerId, ...rest] = positionals;
  if (!containerId || rest.length > 0) throw new UsageError(`'restore' takes one container`);
  requireRoot(`restore ${containerId}`);
  const runcRoot = values['runc-root'];
  refuseExisting(runcRoot, containerId);
  const runc = runcRuntime(runcRoot);
  const consoleSocket = values['console-socket'];
  const request = {
    containerId,
    bundle: resolve(values.bundle),
    imagePath: values['image-path'],
    runc,
    runcRoot,
    stdio: consoleSocket === undefined ? ([0, 1, 2] as const) : ([null, null, null] as const),
    openConsole: () => Promise.resolve(consoleSocket),
  };
  const relay = new SignalRelay();
  try {
    const { pid, vasId, timingsMs, exited } = await start(request, relay, values['pid-file']);
    const text = values.json ? `${JSON.stringify({ pid, vasId, timingsMs })}\n` : '';
    if (values.detach) return { text, exitCode: 0 };
    relay.forwardTo(pid);
    const { status } = await exited;
    await remove(request);
    return { text, exitCode: status };
  } finally {
    relay.close();
  }
}

/** Restores, and tells the pid. On failure nothing is left. */
async function start(
  request: Parameters<typeof restore>[0],
  { signal }: SignalRelay,
  pidPath: string | undefined,
): Promise<RestoredTask> {
  const pidFile = pidPath === undefined ? undefined : PidFile.open(pidPath);
  const task = await restore({ ...request, signal }).catch((error: unknown) => {
    pidFile?.discard();
    throw error;
  });
  try {
    pidFile?.write(task.pid);
    return task;
  } catch (error) {
    await remove(request);
    throw error;
  }
}

/** Deletes the container, by force if it has not exited. */
async function remove({ runc, containerId }: RestoreRequest): Promise<void> {
  await runc.delete(containerId).catch((error: unknown) => {
    log.warn('the container cannot be deleted', { container: containerId, error: String(error) });
  });
}
