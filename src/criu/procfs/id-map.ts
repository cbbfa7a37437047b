// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { toText, type ProcText } from '../../common/procfs/line.js';

interface Range {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** How many ids there are. */
const ALL = 0xffffffff;

/** The content of /proc/PID/uid_map or gid_map (user_namespaces(7)); "outside" is the reader's namespace. */
export class IdMap {
  readonly #ranges: readonly Range[];

  constructor(text: ProcText) {
    this.#ranges = toText(text)
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const [inside = NaN, outside = NaN, count = NaN] = line.trim().split(/\s+/).map(Number);
        if (![inside, outside, count].every(Number.isSafeInteger)) {
          throw new ShimError('internal', `parse id map: unexpected line ${JSON.stringify(line)}`);
        }
        return { inside, outside, count };
      });
  }

  /** Whether ids are the same on both sides, and all of them. */
  get isIdentity(): boolean {
    const [first] = this.#ranges;
    return first?.inside === 0 && first.outside === 0 && first.count === ALL;
  }

  /** Whether the namespace has an id of the reader's. */
  has(outside: number): boolean {
    return this.#rangeOf(outside) !== undefined;
  }

  /** The id as the namespace's own processes see it; throws `failedPrecondition` if it has none. */
  toInside(outside: number): number {
    const range = this.#rangeOf(outside);
    if (range) return outside - range.outside + range.inside;
    throw homeless(`id ${String(outside)} of the host`);
  }

  /** The id as the reader sees it; throws `failedPrecondition` for one that the namespace does not have. */
  toOutside(inside: number): number {
    const range = this.#ranges.find((r) => inside >= r.inside && inside < r.inside + r.count);
    if (range) return inside - range.inside + range.outside;
    throw homeless(`id ${String(inside)}`);
  }

  #rangeOf(outside: number): Range | undefined {
    return this.#ranges.find((one) => outside >= one.outside && outside < one.outside + one.count);
  }
}

/** User and group ids of a user namespace. */
export interface IdMaps {
  readonly users: IdMap;
  readonly groups: IdMap;
}

function homeless(what: string): ShimError {
  return new ShimError('failedPrecondition', `${what} has no place in the user namespace`);
}
