// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { parseReference, resolveKernel } from '../kernel-objects.js';
import { formatJson } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

const WRONG = 'takes one vas/NAME and one segment/NAME';

/** Attaches a kernel segment to a kernel VAS. */
export const attachSegment = defineVerb({
  name: 'attach-segment',
  summary: 'attach a segment to a VAS of the kernel module',
  description: `Attaches a segment to a VAS: each process that continues in the VAS (EXEC of the kernel module)
    finds the segment at its address. Both can be given by id or by name.`,
  options: {
    'read-only': { type: 'boolean', help: 'processes cannot write to the segment' },
    json: JSON_OPTION,
  },
  arguments: { synopsis: 'vas/NAME segment/NAME', min: 2, max: 2, wrong: WRONG, words: 'object' },
  examples: [
    [
      'mvas attach-segment --read-only vas/jobs segment/table',
      'lets processes in jobs read the table',
    ],
  ],
  async run({ values, words }, context) {
    const [wantedVas, wantedSegment] = words.map(parseReference);
    if (wantedVas?.kind !== 'vas' || wantedSegment?.kind !== 'segment') {
      throw new UsageError(`'attach-segment' ${WRONG}`);
    }
    const isWritable = !values['read-only'];
    const kernel = await context.openKernel();
    try {
      const vas = resolveKernel(kernel, wantedVas);
      const segment = resolveKernel(kernel, wantedSegment);
      if (segment.start === 0n) {
        const message = `segment '${wantedSegment.wanted}' belongs to no address: it was created without --start`;
        throw new ShimError('failedPrecondition', message);
      }
      kernel.attachSegment(vas.id, segment.id, isWritable);
      if (values.json) {
        context.writeOut(formatJson({ vas: vas.id, segment: segment.id, isWritable }));
      }
      return EXIT.ok;
    } finally {
      kernel.close();
    }
  },
});
