// SPDX-License-Identifier: Apache-2.0
import { O, S_IF, STAT } from '../../../../../native/abi/index.js';
import type { RegFileEntry } from '../../../../image/types.js';
import type { PlanData } from '../../../../plan/values.js';
import type { ImageIndex } from '../../image-index.js';
import type { LookOptions, PlanContext } from '../../plan-context.js';
import { Refusals } from '../../refusals.js';
import { statOf } from './stat-row.js';

const ENOENT = -2;
const REMEDY = 'remedy: put back what was there';

const PLAIN: LookOptions = { label: (nsPid) => `pid ${String(nsPid)}`, exact: new Map() };

/** The current bytes of some data of the plan. */
export type ReadPlan = (offset: number, length: number) => Buffer;

/** Files, and the table in which they are opened. */
interface Table {
  readonly data: PlanData;
  readonly files: readonly { readonly body: RegFileEntry }[];
}

/**
 * Regular files opened by their names, which are not part of a checkpoint. Whether each may be the one that the
 * container had is judged once they are open, before anything of the container runs.
 */
export class OpenedFiles {
  readonly #index: ImageIndex;
  readonly #options: LookOptions;
  readonly #tables: Table[] = [];

  constructor({ index, options: { look = PLAIN } }: PlanContext) {
    this.#index = index;
    this.#options = look;
  }

  /** A table has the `struct stat` of each of these once they are open. */
  expect(data: PlanData, files: readonly { readonly body: RegFileEntry }[]): void {
    this.#tables.push({ data, files });
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
    const refusals = new Refusals();
    const moved = new Set<string>();
    for (const { data, files } of this.#tables) {
      const rows = read(data.offset, data.size);
      files.forEach(({ body: entry }, row) => {
        const found = rows.subarray(statOf(row));
        const size = found.readBigUInt64LE(STAT.size);
        if (!this.#suits(entry, size)) {
          const sizes = `has ${String(size)} bytes, and had ${sizeOf(entry)} at the checkpoint`;
          refusals.add(this.#where(entry), `${entry.name} ${sizes}; ${REMEDY}`);
        }
        if (this.#hasMoved(entry, found.readBigUInt64LE(STAT.inode))) moved.add(entry.name);
      });
    }
    refusals.throwIfAny();
    return [...moved];
  }

  #hasMoved({ id, mvas_ino: known }: RegFileEntry, inode: bigint): boolean {
    return known !== undefined && inode !== known && this.#index.isPlaced(id);
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
