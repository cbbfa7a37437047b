// SPDX-License-Identifier: Apache-2.0
import { tryRestore } from '../checkpoint/restorable.js';
import { rehearseStops } from '../checkpoint/rehearse-stops.js';
import { rehearseImage } from '../restore/rehearsal/rehearse.js';

/**
 * Checkpoints a model of a container as far as its image, and plans the restore of that. Leaves nothing behind.
 *
 * @param directory holds the image meanwhile; it is made and removed
 */
export async function rehearseCheckpoints(directory: string): Promise<void> {
  await rehearseStops(async (tried) => {
    rehearseImage(directory, tried.image, tried.kernelAreas);
    await tryRestore(tried, []).outcome();
  });
}
