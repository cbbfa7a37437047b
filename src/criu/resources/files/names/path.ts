// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import { encodeBytes } from '../../../../common/bytes.js';

const MAX_PATH = 4095;
/** Most bytes per character of a string. */
const MAX_CHARACTER = 3;
/** `.` or `..`, or a NUL. */
const INSANE = /(?:^|\/)\.\.?(?:\/|$)|\0/;

/** Throws ShimError `dataLoss` for a name that no checkpoint writes. */
export function checkPath(id: number, path: string): void {
  const fits = path.length * MAX_CHARACTER <= MAX_PATH || encodeBytes(path).length <= MAX_PATH;
  if (path.startsWith('/') && fits && !INSANE.test(path)) return;
  badImage(`file ${String(id)}: ${JSON.stringify(path.slice(0, 80))} is not a path`);
}
