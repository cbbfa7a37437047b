// SPDX-License-Identifier: Apache-2.0
import type { NewSegment } from '../../criu/index.js';
import { PAGE } from '../../native/abi/index.js';
import { parseReference } from '../kernel-objects.js';
import { formatJson } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

const WRONG = 'takes one vas/NAME or segment/NAME';

/** Creates a kernel object. */
export const create = defineVerb({
  name: 'create',
  summary: 'create an object of the kernel module',
  usage: [
    'vas/NAME [--mode MODE] [--json]',
    'segment/NAME --size BYTES [--start ADDRESS] [--mode MODE] [--json]',
  ],
  description: `Creates an object that the kernel module keeps until 'mvas rm': a VAS without memory, which a
    program can fill, or a segment, a piece of shared memory. Prints its kind and id: vas/3.`,
  options: {
    size: {
      type: 'string',
      value: 'BYTES',
      help: 'size of the segment, a multiple of 4096; K, M, G and T stand for powers of 1024',
    },
    start: {
      type: 'string',
      value: 'ADDRESS',
      help: 'address of the segment; a segment without one cannot be attached to a VAS',
    },
    mode: {
      type: 'string',
      value: 'MODE',
      default: '600',
      help: 'who may read (4) and write (2) it: octal, as for files',
    },
    json: JSON_OPTION,
  },
  arguments: { synopsis: 'KIND/NAME', min: 1, max: 1, wrong: WRONG, words: ['vas/', 'segment/'] },
  examples: [['mvas create segment/table --size 64M', 'creates 64 MiB of shared memory']],
  async run({ values, words: [word = ''] }, context) {
    const creation = creationOf(word, values);
    const { kind, name, mode } = creation;
    const kernel = await context.openKernel();
    try {
      const id = kind === 'vas' ? kernel.create(name, mode) : kernel.createSegment(creation);
      context.writeOut(values.json ? formatJson({ kind, id, name }) : `${kind}/${String(id)}\n`);
      return EXIT.ok;
    } finally {
      kernel.close();
    }
  },
});

/** What to create. */
type Creation =
  | { readonly kind: 'vas'; readonly name: string; readonly mode: number }
  | (NewSegment & { readonly kind: 'segment' });

const UNITS = ['', 'K', 'M', 'G', 'T'];

function creationOf(
  word: string,
  {
    size,
    start,
    mode,
  }: {
    readonly size?: string | undefined;
    readonly start?: string | undefined;
    readonly mode: string;
  },
): Creation {
  const reference = parseReference(word);
  if (!reference) throw new UsageError(`'create' ${WRONG}`);
  const { kind, wanted: name } = reference;
  if (/^\d+$/.test(name)) throw new UsageError(`a name of only digits would be taken for an id`);
  const common = { name, mode: parseMode(mode) };
  if (kind === 'segment') {
    if (size === undefined) throw new UsageError(`a segment needs '--size'`);
    return {
      kind,
      ...common,
      length: parseSize(size),
      start: start === undefined ? 0n : parseAddress(start),
    };
  }
  if (size !== undefined || start !== undefined)
    throw new UsageError(`'--size' and '--start' are for segments`);
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
  if (BigInt.asUintN(64, size) !== size) throw new UsageError(`too large: '${text}'`);
  return size;
}

function parseAddress(text: string): bigint {
  if (!/^0x[0-9a-fA-F]{1,16}$/.test(text))
    throw new UsageError(`not an address such as 0x1000: '${text}'`);
  const address = BigInt(text);
  if (address === 0n || address % PAGE !== 0n)
    throw new UsageError(`not a multiple of 4096: '${text}'`);
  return address;
}
