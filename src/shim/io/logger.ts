// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { ShimError } from '../../common/errors.js';
import { pipe } from '../linux.js';

const KILL_AFTER_MS = 12_000;
const READY_TIMEOUT_MS = 10_000;

/** A logger process (`binary://`) that reads a container's output itself. */
export interface Logger {
  /** Resolves when it has ended; most loggers end with the output. */
  readonly done: Promise<void>;
  /** Asks it to end, and kills it if it does not within 12 s. */
  stop(): void;
}

/** What to start. */
export interface LoggerRequest {
  readonly path: string;
  readonly args: readonly string[];
  readonly containerId: string;
  readonly namespace: string;
}

/**
 * Starts a logger: fd 3 is the container's stdout, 4 its stderr, 5 a pipe that it closes when it is ready
 * (containerd runtime/v2 logging). Takes the two reading ends.
 *
 * @throws ShimError `unavailable` if it cannot be run or does not become ready
 */
export async function startLogger(
  request: LoggerRequest,
  readers: readonly [number, number],
): Promise<Logger> {
  const [readyReader, readyWriter] = pipe();
  const child = spawn(request.path, request.args, {
    stdio: ['ignore', 'ignore', 'ignore', ...readers, readyWriter],
    env: { CONTAINER_ID: request.containerId, CONTAINER_NAMESPACE: request.namespace },
  });
  for (const fd of [...readers, readyWriter]) closeSync(fd);
  const done = once(child, 'exit').then(
    () => undefined,
    () => undefined, // It could not be started, which is reported below.
  );
  const stop = (): void => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
  };
  try {
    await ready(readyReader, request.path, (fail) => child.once('error', fail));
  } catch (error) {
    stop();
    throw error;
  }
  return { done, stop };
}

function ready(
  fd: number,
  path: string,
  onError: (fail: (error: Error) => void) => void,
): Promise<void> {
  const pipeEnd = new Socket({ fd, readable: true, writable: false });
  let timer: NodeJS.Timeout | undefined;
  return new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      reject(new ShimError('unavailable', `start logger ${path}: ${why}`));
    };
    timer = setTimeout(fail, READY_TIMEOUT_MS, 'not ready in time');
    onError((error) => {
      fail(error.message);
    });
    // If the pipe ends because its logger could not be run, 'error' of the process comes first.
    for (const event of ['data', 'end', 'error']) {
      pipeEnd.once(event, () => setImmediate(resolve));
    }
  }).finally(() => {
    clearTimeout(timer);
    pipeEnd.destroy();
  });
}
