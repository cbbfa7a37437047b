// SPDX-License-Identifier: Apache-2.0
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

/** A warning about work that may fail: then it concerns nobody. */
export interface Warning {
  readonly log: Logger;
  readonly message: string;
  readonly fields?: Fields;
}

/** Logs the warnings of work that has succeeded. */
export function tellAll(warnings: readonly Warning[]): void {
  for (const { log, message, fields } of warnings) log.warn(message, fields);
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
    sink(`${new Date().toISOString()} ${level} mvas:${area} ${message}${format(fields)}`);
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
