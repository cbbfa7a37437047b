// SPDX-License-Identifier: Apache-2.0
import type { Options as RuncOptions } from '../../common/messages/runc-options.js';

/** Why options that are not understood have no effect. */
export type Warn = (message: string, fields: Readonly<Record<string, string>>) => void;

type Options = { -readonly [K in keyof RuncOptions]?: unknown };
type Kind = 'string' | 'boolean' | 'number';

/** Names in the table, in lower case: like containerd's own TOML reader, we ignore case. */
const KNOWN: Readonly<Record<string, readonly [keyof Options, Kind]>> = {
  systemdcgroup: ['systemdCgroup', 'boolean'],
  binaryname: ['binaryName', 'string'],
  root: ['root', 'string'],
  nopivotroot: ['noPivotRoot', 'boolean'],
  nonewkeyring: ['noNewKeyring', 'boolean'],
  shimcgroup: ['shimCgroup', 'string'],
  iouid: ['ioUid', 'number'],
  iogid: ['ioGid', 'number'],
};
/** Options of containerd's default table for runc that have no effect here. */
const WITHOUT_EFFECT = new Set([
  'criupath',
  'criuimagepath',
  'criuworkpath',
  'taskapiaddress',
  'taskapiversion',
  'typeurl',
  'configpath',
]);
const MAX_BYTES = 64 * 1024;
const MAX_UINT32 = 0xffffffff;

/** `key = value # comment`, the value a string, or a word: integers and booleans are. */
const LINE =
  /^(?:([\w-]+)|"([\w-]+)"|'([\w-]+)')\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[\w+-]+)\s*(?:#.*)?$/;

/**
 * Reads runc's options from flat lines of TOML, as CRI writes a runtime's `options` table. Pure.
 *
 * @param warn called for every line that is not understood; it has no effect
 */
export function optionsInTable(body: Uint8Array, warn: Warn): Partial<RuncOptions> {
  const options: Options = {};
  if (body.length > MAX_BYTES) {
    warn('runtime options are too long', { bytes: String(body.length) });
    return {};
  }
  for (const raw of Buffer.from(body).toString('utf8').split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      warn('a table below the runtime options is not known', { table: line });
      break; // Everything that follows belongs to it.
    }
    readLine(line, options, warn);
  }
  return options as Partial<RuncOptions>;
}

function readLine(line: string, options: Options, warn: Warn): void {
  const [, bare, double, single, text = ''] = LINE.exec(line) ?? [];
  const name = bare ?? double ?? single;
  if (name === undefined) {
    warn('a line of the runtime options cannot be read', { line: JSON.stringify(line) });
    return;
  }
  const lower = name.toLowerCase();
  if (WITHOUT_EFFECT.has(lower)) return;
  const [field, kind] = (Object.hasOwn(KNOWN, lower) ? KNOWN[lower] : undefined) ?? [];
  if (field === undefined || kind === undefined) {
    warn('runtime option is not known', { name });
    return;
  }
  const value = valueOf(text);
  if (typeof value === kind) options[field] = value;
  else warn(`runtime option is not a ${kind}`, { name, value: text });
}

/** The value that a text stands for; undefined if no option can have it. */
function valueOf(text: string): string | boolean | number | undefined {
  if (text.startsWith("'")) return text.slice(1, -1);
  if (text.startsWith('"')) return unescaped(text);
  if (text === 'true' || text === 'false') return text === 'true';
  const number = /^\+?\d+(?:_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : NaN;
  return number <= MAX_UINT32 ? number : undefined;
}

/** A basic string: its escapes are JSON's, except for those of eight digits, which no path needs. */
function unescaped(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}
