// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { asVasId, type VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';

const ID = /^[0-9a-f]{32}$/;

/** Where VASes live: `/run/mvas`, or `MVAS_ROOT`. */
export function vasRoot(): string {
  return process.env['MVAS_ROOT'] ?? '/run/mvas';
}

/** Whether this may be the id of a VAS. */
export function isVasId(text: string): text is VasId {
  return ID.test(text);
}

/** The directory of a VAS. @throws ShimError `invalidArgument` if this is not a valid id */
export function vasDirectory(id: VasId): string {
  if (!isVasId(id)) throw new ShimError('invalidArgument', `not a VAS id: ${JSON.stringify(id)}`);
  return join(vasRoot(), id);
}

/** The ids of all VASes, in order. As long as nothing has been checkpointed there is no root. */
export function listIds(): VasId[] {
  try {
    return readdirSync(vasRoot()).filter(isVasId).sort().map(asVasId);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code ?? '';
    if (errno === 'ENOENT') return [];
    const kind = ['EACCES', 'EPERM'].includes(errno) ? 'permissionDenied' : 'unknown';
    throw new ShimError(kind, `list the VASes in ${vasRoot()}: ${errno}`, { cause });
  }
}
