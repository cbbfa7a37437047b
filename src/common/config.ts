// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { ShimError } from './errors.js';
import { LEASE_MODES, parseTtl, type LeaseMode, type Ttl } from './lease-mode.js';
import { parseShare, parseSize } from './quantities.js';

/** What the configuration of this host says; docs/options.md. */
export interface Config {
  readonly vas: {
    readonly ttlMs: Ttl | undefined;
    readonly lease: LeaseMode;
  };
  readonly budget: {
    /** Bytes that all VASes together may take; undefined: no such limit. */
    readonly memory: number | undefined;
    /** The same as a share of the host's memory. */
    readonly share: number | undefined;
    /** The share of the host's memory that a checkpoint leaves available. */
    readonly reserve: number;
  };
  readonly snapshot: {
    /** Namespaces that may use every snapshot. */
    readonly share: readonly string[];
  };
}

const MAX_BYTES = 1_048_576;
const WRITABLE_BY_OTHERS = 0o022;
const DEFAULT_RESERVE = 0.02;

/** Turns a value into what it means; undefined if it is not such a value. */
type Reader<T> = (value: unknown) => T | undefined;

/** A key of the file: how its value is read, and in words what that has to be. */
interface Key<T> {
  readonly read: Reader<T>;
  readonly wanted: string;
}

const ofText =
  <T>(read: (text: string) => T | undefined): Reader<T> =>
  (value) =>
    typeof value === 'string' ? read(value) : undefined;

const KEYS = {
  'vas.ttl': { read: ofText(parseTtl), wanted: 'a time such as "90s", "15m", "12h" or "7d"' },
  'vas.lease': {
    read: ofText((text) => LEASE_MODES.find((mode) => mode === text)),
    wanted: `one of ${LEASE_MODES.join(', ')}`,
  },
  'budget.memory': {
    read: (value: unknown) => parseSize(typeof value === 'bigint' ? String(value) : textOf(value)),
    wanted: 'a number of bytes, or such as "8GiB"',
  },
  'budget.share': { read: ofText(parseShare), wanted: 'a share such as "25%"' },
  'budget.reserve': { read: ofText(parseShare), wanted: 'a share such as "2%"' },
  'snapshot.share': {
    read: (value: unknown) => (isTexts(value) ? value : undefined),
    wanted: 'a list of names, such as ["default", "k8s.io/team"]',
  },
} as const satisfies Record<string, Key<unknown>>;

type KeyName = keyof typeof KEYS;
type ValueOf<K extends KeyName> = NonNullable<ReturnType<(typeof KEYS)[K]['read']>>;

/** Where the configuration of this host is: `MVAS_CONFIG`, or /etc/mvas/config.toml. */
export function configPath(): string {
  return process.env['MVAS_CONFIG'] ?? '/etc/mvas/config.toml';
}

/**
 * Reads the configuration of this host; without a file, that is the default.
 *
 * @throws ShimError `failedPrecondition` naming file and line; also if others than root may write it
 */
export function readConfig(path = configPath()): Config {
  const text = readTrusted(path);
  return text === undefined ? decodeConfig('', path) : decodeConfig(text, path);
}

/** The text of a file that only root can have written; undefined if there is none. */
function readTrusted(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw bad(`${path}: ${code}`, cause);
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > MAX_BYTES) throw bad(`${path}: not a file of at most 1 MiB`);
    for (const [what, { uid, mode }] of [
      [path, stat],
      [dirname(path), statSync(dirname(path))],
    ] as const) {
      if (uid === 0 && (mode & WRITABLE_BY_OTHERS) === 0) continue;
      const remedy = `remedy: chown root:root ${what}; chmod go-w ${what}`;
      throw bad(`${what}: others than root may write it, so nothing of it is used; ${remedy}`);
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** Decodes the text of a configuration. Pure. @throws ShimError `failedPrecondition` naming file and line */
export function decodeConfig(text: string, path: string): Config {
  const found = flatten(parseToml(text, path), text, path);
  const value = <K extends KeyName>(name: K): ValueOf<K> | undefined => {
    if (!found.has(name)) return undefined;
    const { read, wanted } = KEYS[name];
    const decoded = read(found.get(name));
    if (decoded !== undefined) return decoded as ValueOf<K>;
    const given = describe(found.get(name));
    throw bad(`${path}:${String(lineOf(text, name))}: ${name} is ${given}, not ${wanted}`);
  };
  return {
    vas: { ttlMs: value('vas.ttl'), lease: value('vas.lease') ?? 'none' },
    budget: {
      memory: value('budget.memory'),
      share: value('budget.share'),
      reserve: value('budget.reserve') ?? DEFAULT_RESERVE,
    },
    snapshot: { share: value('snapshot.share') ?? [] },
  };
}

function parseToml(text: string, path: string): object {
  try {
    return parse(text, { integersAsBigInt: true });
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [why = ''] = cause.message.split('\n');
    throw bad(`${path}:${String(cause.line)}: ${why}`, cause);
  }
}

/** The values by `table.key`; every one is known. */
function flatten(tables: object, text: string, path: string): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const unknown = (name: string): never => {
    const keys = Object.keys(KEYS).join(', ');
    throw bad(`${path}:${String(lineOf(text, name))}: ${name} is not known; there are ${keys}`);
  };
  for (const [table, keys] of Object.entries(tables) as [string, unknown][]) {
    if (typeof keys !== 'object' || keys === null || Array.isArray(keys)) unknown(table);
    for (const [key, value] of Object.entries(keys as object)) {
      const name = `${table}.${key}`;
      if (!Object.hasOwn(KEYS, name)) unknown(name);
      found.set(name, value);
    }
  }
  return found;
}

/** The line of a key: in its table, or with its full name; that of the table, or 1, if it is written in another way. */
function lineOf(text: string, name: string): number {
  const [table = '', key] = name.split('.');
  let current = '';
  let begin = 1;
  for (const [index, line] of text.split('\n').entries()) {
    const [, head] = /^\s*\[\s*"?([\w-]+)"?\s*\]/.exec(line) ?? [];
    current = head ?? current;
    if (head === table) begin = index + 1;
    const [, whole] = /^\s*([\w."-]+?)\s*=/.exec(line) ?? [];
    const plain = whole?.replaceAll('"', '');
    if (plain === name || (current === table && plain === key) || plain === table) return index + 1;
  }
  return begin;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function describe(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? Number(part) : part,
  );
}

function bad(message: string, cause?: unknown): ShimError {
  return new ShimError('failedPrecondition', message, { cause });
}
