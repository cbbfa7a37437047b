// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { SnapshotRecord } from '../../criu/index.js';
import type { ContainerImage, Surroundings } from './ports.js';
import { RESTORE } from './warm-start.js';

const DIGITS = 19;

/**
 * Whether the root filesystem of a container lies on the image of a snapshot, and on nothing else; false also if that is
 * not known. Asks containerd.
 *
 * @throws ShimError `invalidArgument` if the image is known to be another one
 */
export async function isOnImageOf(
  { id: snapshotId, image }: Pick<SnapshotRecord, 'id' | 'image'>,
  containerId: string,
  { imageOf }: Pick<Surroundings, 'imageOf'>,
): Promise<boolean> {
  const own = image && (await imageOf?.(containerId));
  if (!own) return false;
  if (own.chainId === image.chainId) return own.isBare;
  const [theirs, ours] = [image, own].map(wordsOf);
  const why = `snapshot ${snapshotId} is of image ${theirs ?? ''}, and the container is of ${ours ?? ''}`;
  const message = `annotation ${RESTORE}: ${why}; remedy: give it the image of the snapshot`;
  throw new ShimError('invalidArgument', message);
}

function wordsOf({ name, chainId }: Pick<ContainerImage, 'name' | 'chainId'>): string {
  return `${name || 'without a name'} (${chainId.slice(0, DIGITS)})`;
}
