// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import { pipe } from '../linux.js';
import { openLogFile, openOutput } from './fifo.js';
import { startLogger, type Logger } from './logger.js';
import type { StreamTarget } from './stdio-uri.js';
import type { IoOwner } from './task-io.js';

/** A destination of output, open for writing. */
export interface Sink {
  readonly fd: number;
  /** Whether neither of its ends may ever be missing: then a process must not have it as its own. */
  readonly isFifo: boolean;
}

/** Opens a FIFO, once it has a reader, or a file to append to; undefined for no destination. @throws ShimError */
export async function openSink(
  target: Exclude<StreamTarget, { kind: 'binary' }>,
  signal: AbortSignal,
): Promise<Sink | undefined> {
  if (target.kind === 'none') return undefined;
  return target.kind === 'file' ? openLogFile(target.path) : await openOutput(target.path, signal);
}

/** The writing ends of a logger's two pipes, for the caller to close. */
export interface LoggerSink {
  readonly logger: Logger;
  readonly stdout: number;
  readonly stderr: number;
}

/** Starts a logger. The pipes belong to the container's user, who may reopen /dev/stdout. */
export async function openLogger(
  target: Extract<StreamTarget, { kind: 'binary' }>,
  owner: IoOwner,
): Promise<LoggerSink> {
  const [outReader, stdout] = pipe(owner);
  const [errReader, stderr] = pipe(owner);
  try {
    const { path, args } = target;
    const logger = await startLogger({ path, args, ...owner }, [outReader, errReader]);
    return { logger, stdout, stderr };
  } catch (error) {
    closeSync(stdout);
    closeSync(stderr);
    throw error;
  }
}
