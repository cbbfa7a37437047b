// SPDX-License-Identifier: Apache-2.0
import { O, S_IF, STAT } from '../../../../../native/abi/index.js';
import type { RegFileEntry } from '../../../../image/types.js';
import type { PlanData } from '../../../../plan/builder.js';
import type { ImageIndex } from '../../image-index.js';
import type { LookOptions, PlanContext } from '../../plan-context.js';
import { Refusals } from '../../refusals.js';
import type { Stage } from '../../stage.js';

const ENOENT = -2;
const REMEDY = 'remedy: put back what was there';

const PLAIN: LookOptions = { label: (nsPid) => `pid ${String(nsPid)}`, exact: new Map() };

/** The current bytes of some data of the plan. */
export type ReadPlan = (offset: number, length: number) => Buffer;

/**
 * Regular files opened by their names, which are not part of a checkpoint. Whether each may be the one that the
 * container had is judged once they are open, before anything of the container runs.
 */
export class OpenedFiles {
  readonly #index: ImageIndex;
  readonly #options: LookOptions;
  readonly #looks: { readonly entry: RegFileEntry; readonly stat: PlanData }[] = [];

  constructor({ index, options: { look = PLAIN } }: PlanContext) {
    this.#index = index;
    this.#options = look;
  }

  /** Where the `struct stat` of a file goes once it is open; null if there is nothing to check. */
  stat(stage: Stage, entry: RegFileEntry): PlanData | null {
    if (((entry.mode ?? 0) & S_IF.mask) !== S_IF.reg || entry.flags & O.path) return null;
    const stat = stage.builder.reserve(STAT.bytes);
    this.#looks.push({ entry, stat });
    return stat;
  }

  /** Why a file cannot be opened, if that needs more words than an errno. */
  explain(entry: RegFileEntry, result: bigint): string | undefined {
    if (Number(result) !== ENOENT) return undefined;
    const size = sizeOf(entry);
    const had = size === '' ? '' : `; it had ${size} bytes at the checkpoint`;
    return `${this.#where(entry)}: ${entry.name} is no longer there${had}; ${REMEDY}`;
  }

  /**
   * Checks what has been opened. A file may have grown, unless it is executed or mapped privately: others append to
   * it, whatever its size.
   *
   * @returns the names of open files that have another inode number
   * @throws ShimError `failedPrecondition` naming those that are no longer the same
   */
  check(read: ReadPlan): string[] {
    const [first, last] = [this.#looks[0]?.stat, this.#looks.at(-1)?.stat];
    if (!first || !last) return [];
    // They lie in the plan in this order, with little in between.
    const stats = read(first.offset, last.offset - first.offset + STAT.bytes);
    const refusals = new Refusals();
    const moved = new Set<string>();
    for (const { entry, stat } of this.#looks) {
      const found = stats.subarray(stat.offset - first.offset);
      const size = found.readBigUInt64LE(STAT.size);
      if (!this.#suits(entry, size)) {
        const sizes = `has ${String(size)} bytes, and had ${sizeOf(entry)} at the checkpoint`;
        refusals.add(this.#where(entry), `${entry.name} ${sizes}; ${REMEDY}`);
      }
      const isOther = found.readBigUInt64LE(STAT.inode) !== entry.mvas_ino;
      if (entry.mvas_ino !== undefined && isOther && this.#index.isPlaced(entry.id)) {
        moved.add(entry.name);
      }
    }
    refusals.throwIfAny();
    return [...moved];
  }

  #suits({ id, flags, size }: RegFileEntry, found: bigint): boolean {
    if (size === undefined || found === size) return true;
    if (this.#options.exact.has(id)) return false;
    const isAppended = (flags & O.append) !== 0 && (flags & O.accessMode) !== O.rdonly;
    return isAppended || found > size;
  }

  #where({ id }: RegFileEntry): string {
    const { label } = this.#options;
    const { fs, fdinfo } = this.#index.image;
    for (const [table, owner] of this.#index.owners) {
      const place = fdinfo.get(table)?.find((one) => one.id === id);
      if (place) return `${label(owner)} fd ${String(place.fd)}`;
    }
    for (const [pid, { cwd_id: cwd, root_id: root }] of fs) {
      if (cwd === id || root === id) return `${label(pid)} ${cwd === id ? 'cwd' : 'root'}`;
    }
    return this.#options.exact.get(id) ?? `file ${String(id)}`;
  }
}

function sizeOf({ mode = 0, size }: RegFileEntry): string {
  return (mode & S_IF.mask) === S_IF.reg && size !== undefined ? String(size) : '';
}
