// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { HostPid } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import { toText, type ProcText } from '../../../common/procfs/line.js';

interface Range {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

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

  /** The id as the namespace's own processes see it; throws `failedPrecondition` if it has none. */
  toInside(outside: number): number {
    const range = this.#ranges.find((r) => outside >= r.outside && outside < r.outside + r.count);
    if (range) return outside - range.outside + range.inside;
    throw new ShimError(
      'failedPrecondition',
      `id ${String(outside)} has no place in the user namespace`,
    );
  }
}

/** The map of a process. */
export function readIdMap(pid: HostPid, kind: 'uid_map' | 'gid_map'): IdMap {
  return new IdMap(readFileSync(`/proc/${String(pid)}/${kind}`, 'utf8'));
}
