// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ShimError } from '../../common/errors.js';
import type { Bundle } from '../bundle.js';
import { encode } from '../proto/codec.js';
import { Any } from '../../common/messages/any.js';
import type { CheckpointPlan } from './checkpoint-options.js';

const SPEC_URL = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';

/** The digest under which containerd keeps the spec of a bundle with a checkpoint, as it was given to us. */
export function specDigest(bundle: Bundle): string {
  const any = encode(Any, { typeUrl: SPEC_URL, value: readFileSync(bundle.config) });
  return `sha256:${createHash('sha256').update(any).digest('hex')}`;
}

/**
 * Refuses a checkpoint that ends its container if containerd 1.6 or 1.7 would lose the image: after the checkpoint
 * they add the container's spec to it, and fail if they have it from an earlier checkpoint (services/tasks,
 * writeContent). Does not apply if the client keeps the image itself, whose directory has another name.
 *
 * @param hasContent whether containerd has content with that digest
 * @throws ShimError `alreadyExists`
 */
export async function assertKept(
  { imagePath, leaveRunning }: CheckpointPlan,
  digest: string,
  hasContent: (digest: string) => Promise<boolean>,
): Promise<void> {
  if (leaveRunning || !/^ctr?d-checkpoint\d+$/.test(basename(imagePath))) return;
  if (!(await hasContent(digest))) return;
  throw new ShimError(
    'alreadyExists',
    `containerd before 2 keeps no second checkpoint of an unchanged spec, and has ${digest} from an earlier one: ` +
      'the container would end, and its checkpoint be lost; remedy: remove the image of the earlier checkpoint ' +
      '(ctr images rm --sync), or checkpoint into a directory (ctr tasks checkpoint --image-path)',
  );
}
