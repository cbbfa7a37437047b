// SPDX-License-Identifier: Apache-2.0
import { compileLater } from '../compile-later.js';
import type { VasId } from '../../common/ids.js';
import { findImage, readImage } from './open-image.js';
import { PendingRestore } from './pending-restore.js';
import type { FinishRequest, RestoredTask, RestoreRequest } from './restore-request.js';
import { connectVas } from '../vas/store.js';

/**
 * Checks that a directory is a complete checkpoint and that its VAS is on this host. Starts
 * nothing.
 *
 * @throws ShimError `invalidArgument`/`dataLoss` for a bad image, `failedPrecondition` if its VAS
 * is gone (says which, when it was taken, and what would have helped).
 */
export function validateImage(imagePath: string): { readonly vasId: VasId } {
  const found = findImage(imagePath);
  try {
    readImage(found, imagePath);
  } finally {
    found.reader.close();
  }
  const { id } = found.record;
  connectVas(id).close();
  return { vasId: id };
}

/**
 * Begins a restore: finds the image's VAS and forks it, has runc create the surroundings, and
 * decodes the image meanwhile. Nothing of the container runs before the restore is finished. The
 * caller must finish or abandon it.
 *
 * @throws ShimError as {@link validateImage}; then nothing is left
 */
export function beginRestore(request: RestoreRequest): Promise<PendingRestore> {
  compileLater();
  return PendingRestore.begin(request);
}

/**
 * Restores a container from an image directory. On failure nothing is left: no process, cgroup,
 * namespace or runc state.
 */
export async function restore(request: RestoreRequest & FinishRequest): Promise<RestoredTask> {
  const pending = await beginRestore(request);
  return await pending.finish(request);
}
