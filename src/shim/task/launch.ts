// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs';
import { readPidFile, type Bundle } from '../bundle.js';
import { ConsoleIo } from '../io/console-io.js';
import { PipeIo } from '../io/pipe-io.js';
import type { IoOwner, StdioRequest, TaskIo } from '../io/task-io.js';
import type { Runc } from '../runc/runc.js';
import type { ExitSource } from './ports.js';
import type { TaskProcess } from './process.js';

/** What starting a process with runc needs. */
export interface LaunchContext {
  readonly id: string;
  readonly bundle: Bundle;
  readonly runc: Runc;
  readonly exits: ExitSource;
  readonly owner: IoOwner;
}

/** How runc is to create an init. */
export interface InitFlags {
  readonly noPivotRoot: boolean;
  readonly noNewKeyring: boolean;
}

/** Opens a process's streams. */
export function openIo(request: StdioRequest, owner: IoOwner): Promise<TaskIo> {
  return request.terminal ? ConsoleIo.open(request, owner) : PipeIo.open(request, owner);
}

/** Creates a container; its init waits for the start. Sets the process's pid. */
export async function createInit(
  context: LaunchContext,
  init: TaskProcess,
  { signal, ...flags }: InitFlags & { readonly signal: AbortSignal },
): Promise<void> {
  const { id, bundle, runc } = context;
  await launch(context, init, async (io) => {
    const consoleSocket = consoleOf(io);
    const create = { id, bundle: bundle.path, pidFile: bundle.initPid, ...consoleSocket, ...flags };
    await runc.create(create, io.stdio, signal);
    return readPidFile(bundle.initPid);
  });
}

/** Starts a process in a running container. Sets its pid. */
export async function startExec(
  context: LaunchContext,
  exec: TaskProcess,
  spec: string,
): Promise<void> {
  const { id, bundle, runc } = context;
  const processFile = bundle.execSpec(exec.execId);
  const pidFile = bundle.execPid(exec.execId);
  await launch(context, exec, async (io) => {
    writeFileSync(processFile, spec, { mode: 0o600 });
    try {
      await runc.exec({ id, processFile, pidFile, ...consoleOf(io) }, io.stdio);
      return readPidFile(pidFile);
    } finally {
      rmSync(processFile, { force: true });
      rmSync(pidFile, { force: true });
    }
  });
}

/** Opens streams, lets `start` start a process on them, and connects them. All or nothing. */
async function launch(
  context: LaunchContext,
  child: TaskProcess,
  start: (io: TaskIo) => Promise<number>,
): Promise<void> {
  const io = await openIo(child.stdio, context.owner);
  try {
    child.pid = await context.exits.launching(() => start(io));
    await io.launched();
    child.io = io;
  } catch (error) {
    io.close();
    throw error;
  }
}

function consoleOf(io: TaskIo): { readonly consoleSocket?: string } {
  return io.consoleSocket === undefined ? {} : { consoleSocket: io.consoleSocket };
}
