// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path';
import { SYS } from '../../../../../native/sys.js';
import type { GhostFile } from '../../../../image/ghost.js';
import type { RegFileEntry } from '../../../../image/types.js';
import { F, O, REOPENABLE, SEEK, SETTABLE } from '../../../../../native/abi/index.js';
import { planContent, planFileAttributes } from '../../deleted/inode-attributes.js';
import { checkPath } from '../../names/path.js';
import type { PlanContext } from '../../plan-context.js';
import type { Stage } from '../../stage.js';

/** The open file that has made a file without a name, and the number of its descriptor. */
interface Maker {
  readonly entry: RegFileEntry;
  readonly number: number;
}

/**
 * Creates files of O_TMPFILE again: unlike those whose name was removed, they can be given one (linkat(2)). The
 * open file with the flag creates the file; all others are opened through it.
 */
export class TmpfilePlan {
  readonly #stage: Stage;
  /** By remap id. */
  readonly #makers = new Map<number, Maker>();
  readonly #made = new Set<number>();

  constructor(plan: PlanContext) {
    this.#stage = plan.stage;
    for (const id of plan.numbers.keys()) {
      const { reg } = plan.index.file(id);
      const remap = plan.index.remaps.get(id);
      if (!reg || remap === undefined || (reg.flags & O.tmpfile) === 0) continue;
      if (!this.#makers.has(remap))
        this.#makers.set(remap, { entry: reg, number: plan.number(id) });
    }
  }

  /** Whether a deleted file is one of these. */
  has(remap: number): boolean {
    return this.#makers.has(remap);
  }

  /** Opens one of its open files. */
  plan(entry: RegFileEntry, number: number, remap: number, ghost: GhostFile): void {
    const maker = this.#makers.get(remap);
    if (!maker) return;
    if (!this.#made.has(remap)) this.#make(maker, ghost);
    this.#made.add(remap);
    if (maker.number === number) return;
    const what = `file ${String(entry.id)} (${entry.name})`;
    // The link of /proc that leads to it would count as one.
    const flags = entry.flags & REOPENABLE & ~O.nofollow;
    this.#stage.reopen(`open ${what}`, number, maker.number, flags);
    if (entry.pos === 0n || entry.flags & O.path) return;
    this.#stage.run(`seek in ${what}`, SYS.lseek, [number, entry.pos, SEEK.set]);
  }

  #make({ entry, number }: Maker, ghost: GhostFile): void {
    const stage = this.#stage;
    checkPath(entry.id, entry.name);
    const what = `file ${String(entry.id)} without a name (${entry.name})`;
    const kept = entry.flags & REOPENABLE & ~O.nofollow;
    // Data that is appended, or bypasses the cache, would end up in the wrong place.
    const flags = (kept & ~O.append & ~O.direct) | O.tmpfile | O.directory;
    stage.openPath(`make ${what}`, number, dirname(entry.name), { flags, mode: 0o600 });
    const { size = 0n } = ghost.entry;
    planContent(stage, number, what, { size, content: ghost });
    planFileAttributes(stage, number, what, ghost.entry);
    stage.run(`seek in ${what}`, SYS.lseek, [number, entry.pos, SEEK.set]);
    stage.run(what, SYS.fcntl, [number, F.setfl, kept & SETTABLE]);
  }
}
