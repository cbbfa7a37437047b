// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import { encodeBytes } from '../../../procfs/bytes.js';

const MAX_PATH = 4095;

/** Throws ShimError `dataLoss` for a name that no checkpoint writes. */
export function checkPath(id: number, path: string): void {
  const parts = path.split('/');
  const sane =
    path.startsWith('/') &&
    encodeBytes(path).length <= MAX_PATH &&
    !path.includes('\0') &&
    !parts.includes('..') &&
    !parts.includes('.');
  if (!sane) badImage(`file ${String(id)}: ${JSON.stringify(path.slice(0, 80))} is no path`);
}
