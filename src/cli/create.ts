// SPDX-License-Identifier: Apache-2.0
import type { NewSegment } from '../criu/index.js';
import { parseReference, type KernelObjects } from './kernel-objects.js';
import { formatJson } from './text.js';
import { parseOptions, UsageError } from './usage.js';

export const CREATE_HELP = `Usage: mvas create vas/NAME [--mode MODE]
       mvas create segment/NAME --size BYTES [--start ADDRESS] [--mode MODE]

Creates an object that the kernel keeps (the module mvas) until 'mvas rm': a VAS without memory, which
a program can fill, or a segment, a piece of shared memory. Prints it with its id: vas/3.

Options:
      --size BYTES     of the segment, a multiple of 4096; K, M, G and T stand for powers of 1024
      --start ADDRESS  where the segment belongs; without it it cannot be attached to a VAS
      --mode MODE      who may read (4) and write (2) it, as of files, octal (default: 600)
      --json           print an object
`;

/** What is to be created. */
export type Creation =
  | { readonly kind: 'vas'; readonly name: string; readonly mode: number; readonly json: boolean }
  | (NewSegment & { readonly kind: 'segment'; readonly json: boolean });

const PAGE = 4096n;
const UNITS = ['', 'K', 'M', 'G', 'T'];

/** Runs `mvas create`; returns what to print. */
export function runCreate(args: readonly string[], open: () => KernelObjects): string {
  const creation = parseCreate(args);
  if (creation === undefined) return CREATE_HELP;
  const { kind, name, mode, json } = creation;
  const kernel = open();
  try {
    const id = kind === 'vas' ? kernel.create(name, mode) : kernel.createSegment(creation);
    return json ? formatJson({ kind, id, name }) : `${kind}/${String(id)}\n`;
  } finally {
    kernel.close();
  }
}

/** undefined: help is asked for. @throws UsageError */
export function parseCreate(args: readonly string[]): Creation | undefined {
  const { values, positionals } = parseOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      size: { type: 'string' },
      start: { type: 'string' },
      mode: { type: 'string', default: '600' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const [word = '', ...rest] = positionals;
  const reference = rest.length === 0 ? parseReference(word) : undefined;
  if (!reference) throw new UsageError(`'create' takes one vas/NAME or segment/NAME`);
  const { kind, wanted: name } = reference;
  if (/^\d+$/.test(name)) throw new UsageError(`a name of digits alone would be taken for an id`);
  const common = { name, mode: parseMode(values.mode), json: values.json };
  if (kind === 'segment') {
    if (values.size === undefined) throw new UsageError(`a segment needs '--size'`);
    const start = values.start === undefined ? 0n : parseAddress(values.start);
    return { kind, ...common, length: parseSize(values.size), start };
  }
  if (values.size !== undefined || values.start !== undefined) {
    throw new UsageError(`'--size' and '--start' are for segments`);
  }
  return { kind, ...common };
}

function parseMode(text: string): number {
  if (!/^0?[0-6]{3}$/.test(text)) throw new UsageError(`not a mode: '${text}'`);
  const mode = Number.parseInt(text, 8);
  if ((mode & ~0o666) !== 0) throw new UsageError(`not a mode: '${text}': nothing can be executed`);
  return mode;
}

function parseSize(text: string): bigint {
  const [, digits = '', unit = ''] = /^(\d{1,15})([KMGT]?)(?:iB)?$/.exec(text) ?? [];
  if (digits === '') throw new UsageError(`not a size: '${text}'`);
  const size = BigInt(digits) << (10n * BigInt(UNITS.indexOf(unit)));
  if (size === 0n || size % PAGE !== 0n) throw new UsageError(`not a multiple of 4096: '${text}'`);
  return BigInt.asUintN(64, size) === size ? size : tooLarge(text);
}

function parseAddress(text: string): bigint {
  if (!/^0x[0-9a-fA-F]{1,16}$/.test(text))
    throw new UsageError(`not an address such as 0x1000: '${text}'`);
  const address = BigInt(text);
  if (address === 0n || address % PAGE !== 0n)
    throw new UsageError(`not a multiple of 4096: '${text}'`);
  return address;
}

function tooLarge(text: string): never {
  throw new UsageError(`too large: '${text}'`);
}
