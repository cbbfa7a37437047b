// SPDX-License-Identifier: Apache-2.0
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import type { HostPid } from '../../common/ids.js';
import { readPidFile, type Bundle } from '../bundle.js';
import type { OutputWatch } from '../io/copy.js';
import { ConsoleIo } from '../io/console-io.js';
import { PipeIo } from '../io/pipe-io.js';
import { within, type IoOwner, type StdioRequest, type TaskIo } from '../io/task-io.js';
import type { Runc } from '../runc/runc.js';
import type { ExitSource } from './ports.js';
import type { TaskProcess } from './process.js';

const END_MS = 2_000;

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

/** Opens a process's streams. `signal` ends the wait for their readers; `watch` looks for a text in its output. */
export function openIo(
  request: StdioRequest,
  owner: IoOwner,
  signal: AbortSignal,
  watch?: OutputWatch,
): Promise<TaskIo> {
  const options = { signal, watch };
  return request.terminal
    ? ConsoleIo.open(request, owner, options)
    : PipeIo.open(request, owner, options);
}

/** How an init is created. */
interface InitLaunch extends InitFlags {
  readonly signal: AbortSignal;
  readonly watch: OutputWatch | undefined;
  /** Streams that are open already; they are taken. */
  readonly streams?: TaskIo | undefined;
}

/** Creates a container; its init waits for the start. Sets the process's pid. */
export async function createInit(
  context: LaunchContext,
  init: TaskProcess,
  { signal, watch, streams, ...flags }: InitLaunch,
): Promise<void> {
  const { id, bundle, runc } = context;
  const io = streams ?? (await openIo(init.stdio, context.owner, signal, watch));
  await launch(context, { child: init, io }, async () => {
    const consoleSocket = consoleOf(io);
    const create = { id, bundle: bundle.path, pidFile: bundle.initPid, ...consoleSocket, ...flags };
    await runc.create(create, io.stdio, signal);
    return readPidFile(bundle.initPid);
  });
}

/** A process to be started, and its open streams. */
export interface Launch {
  readonly child: TaskProcess;
  readonly io: TaskIo;
}

/** What an exec is started from. */
export interface ExecLaunch extends Launch {
  /** Its process spec. */
  readonly spec: string;
  /** Aborts the start, and ends what it has created. */
  readonly signal: AbortSignal;
}

/** Starts a process in a running container. Sets its pid. */
export async function startExec(context: LaunchContext, exec: ExecLaunch): Promise<void> {
  const { id, bundle, runc } = context;
  const { child, io, spec, signal } = exec;
  const processFile = bundle.execSpec(child.execId);
  const pidFile = bundle.execPid(child.execId);
  await launch(context, exec, async () => {
    writeFileSync(processFile, spec, { mode: 0o600 });
    try {
      await runc.exec({ id, processFile, pidFile, ...consoleOf(io) }, io.stdio, signal);
      return readPidFile(pidFile);
    } catch (error) {
      // A killed runc may have got as far as a process, which has to end with it.
      if (existsSync(pidFile)) child.pid = readPidFile(pidFile);
      throw error;
    } finally {
      rmSync(processFile, { force: true });
      rmSync(pidFile, { force: true });
    }
  });
}

/** Has `start` start a process on its streams, and connects them. All or nothing: on failure it is killed. */
async function launch(
  context: LaunchContext,
  { child, io }: Launch,
  start: () => Promise<HostPid>,
): Promise<void> {
  try {
    io.launching();
    child.pid = await context.exits.launching(start);
    await io.launched();
    child.connect(io);
  } catch (error) {
    io.close();
    if (child.pid !== 0) await end(context, child);
    throw error;
  }
}

/** Kills a process that cannot be served, and waits a short time for its end. */
async function end({ exits }: LaunchContext, child: TaskProcess): Promise<void> {
  const ended = exits.exitOf(child.pid).then((exit) => {
    child.finish(exit);
  });
  try {
    process.kill(child.pid, 'SIGKILL');
  } catch {
    // It has already exited.
  }
  await within(END_MS, [{ done: ended }]);
}

function consoleOf(io: TaskIo): { readonly consoleSocket?: string } {
  return io.consoleSocket === undefined ? {} : { consoleSocket: io.consoleSocket };
}
