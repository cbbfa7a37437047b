// SPDX-License-Identifier: Apache-2.0
import type { MountInfo } from '../../../../common/procfs/mountinfo.js';
import { mountFinder, opensLate } from './container-path.js';

/** What a plan has to know about the mounts of the new container. Paths are without symbolic links. */
export interface MountFacts {
  /** Whether files of this path are opened only once the restore has dropped its privileges. */
  readonly isLate: (path: string) => boolean;
  /** Whether the path lies in a read-only mount. */
  readonly isReadOnly: (path: string) => boolean;
}

/** Answers from a list of mounts, in the order in which they were mounted. */
export function mountFacts(
  mounts: Iterable<Pick<MountInfo, 'mountPoint' | 'fsType' | 'options'>>,
): MountFacts {
  const mountOf = mountFinder(mounts);
  return {
    isLate: (path) => {
      const mount = mountOf(path);
      return mount !== undefined && opensLate(mount);
    },
    isReadOnly: (path) => mountOf(path)?.options.includes('ro') === true,
  };
}

/** Notes what it is asked, so that its answers can be compared with those of other mounts. */
export class NotedMounts implements MountFacts {
  readonly #expected: MountFacts;
  /** Answers by path. */
  readonly #late = new Map<string, boolean>();
  readonly #readOnly = new Map<string, boolean>();

  constructor(expected: MountFacts) {
    this.#expected = expected;
  }

  isLate(path: string): boolean {
    const answer = this.#expected.isLate(path);
    this.#late.set(path, answer);
    return answer;
  }

  isReadOnly(path: string): boolean {
    const answer = this.#expected.isReadOnly(path);
    this.#readOnly.set(path, answer);
    return answer;
  }

  /** Whether other mounts answer all that was asked in the same way. */
  agreesWith(found: MountFacts): boolean {
    const agree = (noted: ReadonlyMap<string, boolean>, ask: (path: string) => boolean): boolean =>
      [...noted].every(([path, answer]) => ask(path) === answer);
    return agree(this.#late, found.isLate) && agree(this.#readOnly, found.isReadOnly);
  }
}
