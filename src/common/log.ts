// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from 'node:async_hooks';
import debug from 'debug';

/** A logger of one area: `error` and `warn` are always on, `info` and `debug` with `DEBUG=mvas:*` or `-debug`. */
export interface Logger {
  error(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
}

/** Trailing `key=value` fields of a log line. */
export type Fields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

let sink: (line: string) => void = (line) => {
  process.stderr.write(`${line}\n`);
};

/** Warnings of work that is in progress; undefined once it has ended. */
interface Held {
  lines: string[] | undefined;
}

const held = new AsyncLocalStorage<Held>();

/** Does work, and logs its warnings only if it succeeds: those of a failed attempt concern nobody. */
export async function warningOnSuccess<T>(work: () => Promise<T>): Promise<T> {
  const lines: string[] = [];
  const store: Held = { lines };
  try {
    const result = await held.run(store, work);
    for (const line of lines) sink(line);
    return result;
  } finally {
    store.lines = undefined;
  }
}

/** Sends all lines somewhere other than stderr: the daemon's log FIFO, or nowhere during `start`. */
export function setLogSink(write: (line: string) => void): void {
  sink = write;
}

/** Turns on `info` and `debug` of every area. */
export function enableDebugLog(): void {
  debug.enable('mvas:*');
}

/** Rereads DEBUG, in a process whose environment has been replaced. */
export function rereadDebugVariable(): void {
  debug.enable(process.env['DEBUG'] ?? '');
}

/** The logger of `mvas:<area>`. */
export function logger(area: string): Logger {
  const verbose = debug(`mvas:${area}`);
  const write = (level: string, message: string, fields?: Fields): void => {
    const line = `${new Date().toISOString()} ${level} mvas:${area} ${message}${format(fields)}`;
    const lines = level === 'warn' ? held.getStore()?.lines : undefined;
    if (lines) lines.push(line);
    else sink(line);
  };
  return {
    error: (message, fields) => {
      write('error', message, fields);
    },
    warn: (message, fields) => {
      write('warn', message, fields);
    },
    info: (message, fields) => {
      if (verbose.enabled) write('info', message, fields);
    },
    debug: (message, fields) => {
      if (verbose.enabled) write('debug', message, fields);
    },
  };
}

function format(fields: Fields | undefined): string {
  if (!fields) return '';
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${String(value)}`)
    .join('');
}
