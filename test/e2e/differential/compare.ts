// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../src/common/errors.js';
import type { KnownDifference } from './known-differences.js';

/**
 * What only one recording has, in order: lines of ours after `-`, theirs after `+`. Uses the longest common
 * subsequence, so that one event too many is one line of difference.
 */
export function differences(ours: readonly string[], theirs: readonly string[]): string[] {
  const common = commonLengths(ours, theirs);
  const found: string[] = [];
  let i = 0;
  let j = 0;
  while (i < ours.length || j < theirs.length) {
    if (i < ours.length && ours[i] === theirs[j]) {
      i += 1;
      j += 1;
    } else if (j >= theirs.length || (common[i + 1]?.[j] ?? -1) >= (common[i]?.[j + 1] ?? 0)) {
      found.push(`- ${ours[i] ?? ''}`);
      i += 1;
    } else {
      found.push(`+ ${theirs[j] ?? ''}`);
      j += 1;
    }
  }
  return found;
}

/**
 * As {@link differences}, except for known ones.
 *
 * @throws ShimError `notFound` for a known difference that their recording has no line for
 */
export function unknownDifferences(
  ours: readonly string[],
  theirs: readonly string[],
  known: readonly KnownDifference[],
): string[] {
  const corrected = known.reduce((lines, difference) => apply(lines, difference), [...theirs]);
  const isLoose = (text: string): boolean =>
    known.some(({ line, isLoose = false }) => isLoose && text.startsWith(line));
  return differences(
    ours.filter((text) => !isLoose(text)),
    corrected.filter((text) => !isLoose(text) || !ours.includes(text)),
  );
}

function apply(lines: readonly string[], difference: KnownDifference): string[] {
  const { line: beginning, theirs = '', ours = '', isLoose = false } = difference;
  const differs = (line: string): boolean => line.startsWith(beginning) && line.includes(theirs);
  if (!isLoose && !lines.some(differs)) {
    throw new ShimError('notFound', `known difference of no line: ${beginning} … ${theirs}`);
  }
  return lines.map((line) => (differs(line) ? line.replace(theirs, ours) : line));
}

/** Length of the longest common subsequence of what follows each pair of positions. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const skip = Math.max(table[i + 1]?.[j] ?? 0, table[i]?.[j + 1] ?? 0);
      const row = table[i];
      if (row) row[j] = a[i] === b[j] ? (table[i + 1]?.[j + 1] ?? 0) + 1 : skip;
    }
  }
  return table;
}
