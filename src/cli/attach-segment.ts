// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { parseReference, resolveKernel, type KernelObjects } from './kernel-objects.js';
import { formatJson } from './text.js';
import { parseOptions, UsageError } from './usage.js';

export const ATTACH_HELP = `Usage: mvas attach-segment [--read-only] vas/NAME segment/NAME

From now on whoever goes on in the VAS (EXEC of the module mvas) has the segment, too, where it belongs.
Id or name may be given.

Options:
      --read-only  who has it cannot write to it
      --json       print an object
`;

/** What is to be attached to what: ids or names. */
export interface Attachment {
  readonly vas: string;
  readonly segment: string;
  readonly isWritable: boolean;
  readonly json: boolean;
}

/** Runs `mvas attach-segment`; returns what to print. */
export function runAttachSegment(args: readonly string[], open: () => KernelObjects): string {
  const attachment = parseAttachSegment(args);
  if (attachment === undefined) return ATTACH_HELP;
  const { isWritable, json } = attachment;
  const kernel = open();
  try {
    const vas = resolveKernel(kernel, { kind: 'vas', wanted: attachment.vas });
    const segment = resolveKernel(kernel, { kind: 'segment', wanted: attachment.segment });
    if (segment.start === 0n) {
      const message = `segment '${attachment.segment}' belongs to no address: it was created without --start`;
      throw new ShimError('failedPrecondition', message);
    }
    kernel.attachSegment(vas.id, segment.id, isWritable);
    return json ? formatJson({ vas: vas.id, segment: segment.id, isWritable }) : '';
  } finally {
    kernel.close();
  }
}

/** undefined: help is asked for. @throws UsageError */
export function parseAttachSegment(args: readonly string[]): Attachment | undefined {
  const { values, positionals } = parseOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      'read-only': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const [vas, segment] = positionals.map(parseReference);
  if (positionals.length !== 2 || vas?.kind !== 'vas' || segment?.kind !== 'segment') {
    throw new UsageError(`'attach-segment' takes one vas/NAME and one segment/NAME`);
  }
  const { 'read-only': isReadOnly, json } = values;
  return { vas: vas.wanted, segment: segment.wanted, isWritable: !isReadOnly, json };
}
