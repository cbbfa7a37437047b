// SPDX-License-Identifier: Apache-2.0
import { O, S_IF, SO, SOL } from '../../../../native/abi/index.js';
import type { FoundFile } from '../kind.js';
import { getOption } from './get-option.js';

const families = new WeakMap<FoundFile, number | undefined>();

/** Address family of a socket; undefined for anything else, and if only the path of a socket is open (O_PATH). */
export function familyOf(file: FoundFile): number | undefined {
  const known = families.get(file);
  if (known !== undefined) return known;
  if ((Number(file.stat.mode) & S_IF.mask) !== S_IF.sock || file.flags & O.path) return undefined;
  if (!families.has(file)) families.set(file, getOption(file.own, SOL.socket, SO.domain));
  return families.get(file);
}

/** Spares {@link familyOf} a question. */
export function rememberFamily(file: FoundFile, family: number): void {
  families.set(file, family);
}
