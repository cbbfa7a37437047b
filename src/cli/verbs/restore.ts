// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { logger } from '../../common/log.js';
import { DEFAULT_TCP_MODE } from '../../criu/constants.js';
import { tcpModeOf } from '../tcp-mode.js';
import type { FinishRequest, RestoredTask, RestoreRequest } from '../../criu/index.js';
import { PidFile } from '../pid-file.js';
import { requireRoot } from '../root.js';
import {
  donorRuntime,
  ONE_CONTAINER,
  refuseExisting,
  RUNTIME_OPTION,
  RUNTIME_ROOT_OPTION,
  runtimeOf,
} from '../runtime-container.js';
import { SignalRelay } from '../signal-relay.js';
import { formatJson } from '../text.js';
import { defineVerb, EXIT, EXIT_CODES, JSON_OPTION } from '../verb.js';

const log = logger('restore');

/** Restores a container, and leaves it to plain runc or crun. */
export const restore = defineVerb({
  name: 'restore',
  summary: 'restore a container from a checkpoint',
  description: `Restores a container from a checkpoint. runc or crun manages it from then on. The container inherits the
    stdio of mvas, or gets a terminal whose master is sent to the console socket.

    Like runc, mvas waits for the container unless --detach is given: it forwards SIGINT, SIGTERM, SIGHUP and
    SIGQUIT to the init process, deletes the container when it exits, and returns its exit status. Until the
    container runs, these signals cancel the restore.`,
  options: {
    'image-path': {
      type: 'string',
      value: 'DIR',
      default: 'checkpoint',
      help: "directory of the checkpoint's metadata",
      words: 'directory',
    },
    bundle: {
      type: 'string',
      short: 'b',
      value: 'DIR',
      default: '.',
      help: 'bundle of the new container',
      words: 'directory',
    },
    runtime: RUNTIME_OPTION,
    'runc-root': RUNTIME_ROOT_OPTION,
    'console-socket': {
      type: 'string',
      value: 'PATH',
      help: "unix socket for the master of the container's terminal",
      words: 'file',
    },
    'pid-file': {
      type: 'string',
      value: 'FILE',
      help: 'file for the pid of the init process',
      words: 'file',
    },
    tcp: {
      type: 'string',
      value: 'MODE',
      help: `what becomes of TCP connections to the outside: close, keep or refuse (${DEFAULT_TCP_MODE})`,
    },
    'tcp-established': { type: 'boolean', help: '--tcp keep, as CRIU calls it' },
    'tcp-close': { type: 'boolean', help: '--tcp close, as CRIU calls it' },
    detach: { type: 'boolean', short: 'd', help: 'return when the container runs' },
    json: JSON_OPTION,
  },
  arguments: ONE_CONTAINER,
  examples: [
    [
      'mvas restore --image-path /tmp/ckpt --bundle /path/to/bundle --detach web2 >log 2>&1 </dev/null',
      'restores a container web2 in the background',
    ],
  ],
  exitCodes: [...EXIT_CODES, ['any', 'the exit status of the container, unless --detach is given']],
  async run({ values, words: [containerId = ''] }, context) {
    const tcp = tcpModeOf(values) ?? DEFAULT_TCP_MODE;
    requireRoot(context, `restore ${containerId}`);
    const runtime = runtimeOf(values);
    refuseExisting(runtime, containerId);
    const consoleSocket = values['console-socket'];
    const request = {
      containerId,
      bundle: resolve(values.bundle),
      imagePath: values['image-path'],
      runc: donorRuntime(runtime),
      runcRoot: runtime.root,
      stdio: consoleSocket === undefined ? ([0, 1, 2] as const) : ([null, null, null] as const),
      openConsole: () => Promise.resolve(consoleSocket),
      tcp,
    };
    const relay = new SignalRelay();
    try {
      const task = await start(request, relay, values['pid-file']);
      const status = values.detach ? EXIT.ok : await outlive(task, request, relay);
      const { pid, vasId, timingsMs } = task;
      if (values.json) context.writeOut(formatJson({ pid, vasId, timingsMs }));
      return status;
    } finally {
      relay.close();
    }
  },
});

/** Waits for the container to exit, and deletes it; returns its exit status. */
async function outlive(
  { pid, exited }: RestoredTask,
  request: RestoreRequest,
  relay: SignalRelay,
): Promise<number> {
  relay.forwardTo(pid);
  const { status } = await exited;
  await remove(request);
  return status;
}

/** Restores the container, and reports its pid. On failure nothing is left behind. */
async function start(
  request: RestoreRequest & FinishRequest,
  { signal }: SignalRelay,
  pidPath: string | undefined,
): Promise<RestoredTask> {
  const engine = await import('../../criu/index.js');
  const pidFile = pidPath === undefined ? undefined : PidFile.open(pidPath);
  const task = await engine.restore({ ...request, signal }).catch((error: unknown) => {
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
