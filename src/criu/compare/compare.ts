// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import type { NsPid } from '../../common/ids.js';
import { forestOf } from '../plan/restore-plan.js';
import { findImage, readImage, type OpenedImage } from '../restore/open-image.js';
import { forkersOf } from '../tree/process-tree.js';
import { untilFilled } from '../vas/filling.js';
import { connectVas } from '../vas/store.js';
import { pairPages } from './differing-pages.js';
import { differingBytes, HeldMemory } from './held-memory.js';
import { storedPages, type StoredRun } from './stored-pages.js';

/** What is different about a process; `changed`: its name or its memory. */
export interface ProcessDiff {
  /** Its container pid. */
  readonly pid: NsPid;
  /** Its command name; that of the later checkpoint, if it is in both. */
  readonly name: string;
  readonly change: 'added' | 'changed' | 'deleted';
  /** Bytes of its memory, in whole pages, that are in one checkpoint only or differ; undefined if that is not known. */
  readonly bytes: number | undefined;
}

/**
 * Compares the processes of two checkpoints, and their memory page by page. Memory that the kernel module has is not
 * compared.
 *
 * @param before path of an image directory; so is `after`
 * @throws ShimError as {@link readImage}; AbortError
 */
export async function compareCheckpoints(
  before: string,
  after: string,
  signal?: AbortSignal,
): Promise<readonly ProcessDiff[]> {
  const opened: Checkpoint[] = [];
  try {
    for (const path of [before, after]) opened.push(await Checkpoint.open(path, signal));
    const [old, young] = opened as [Checkpoint, Checkpoint];
    const differences: ProcessDiff[] = [];
    for (const pid of [...new Set([...old.pids, ...young.pids])].sort((a, b) => a - b)) {
      await turn(undefined, { signal });
      const difference = compareProcess(pid, old, young);
      if (difference) differences.push(difference);
    }
    return differences;
  } finally {
    for (const checkpoint of opened) checkpoint.close();
  }
}

function compareProcess(pid: NsPid, old: Checkpoint, young: Checkpoint): ProcessDiff | undefined {
  const [was, is] = [old.nameOf(pid), young.nameOf(pid)];
  const bytes = changedBytes(pid, old, young);
  const change = was === undefined ? 'added' : is === undefined ? 'deleted' : 'changed';
  if (change === 'changed' && was === is && (bytes ?? 0) === 0) return undefined;
  return { pid, name: is ?? was ?? '', change, bytes };
}

function changedBytes(pid: NsPid, old: Checkpoint, young: Checkpoint): number | undefined {
  const { memory: before } = old;
  const { memory: after } = young;
  if (!before || !after) return undefined;
  const pairs = pairPages(old.pagesOf(pid, before), young.pagesOf(pid, after));
  return pairs.reduce((sum, pair) => sum + differingBytes(before, after, pair), 0);
}

/** A checkpoint that is looked at. */
class Checkpoint {
  /** Undefined if the kernel module has it. */
  readonly memory: HeldMemory | undefined;
  readonly #opened: OpenedImage;
  readonly #forkers: ReadonlyMap<NsPid, NsPid>;

  private constructor(opened: OpenedImage, memory: HeldMemory | undefined) {
    this.#opened = opened;
    this.#forkers = forkersOf(forestOf(opened.image));
    this.memory = memory;
  }

  static async open(path: string, signal: AbortSignal | undefined): Promise<Checkpoint> {
    const found = findImage(path);
    try {
      const { id } = found.record;
      await untilFilled(id, signal);
      const opened = readImage(found, path);
      if (opened.duplicates) return new Checkpoint(opened, undefined);
      const holder = connectVas(id);
      const { pid } = await holder.status().finally(() => {
        holder.close();
      });
      return new Checkpoint(opened, new HeldMemory(pid));
    } finally {
      found.reader.close();
    }
  }

  get pids(): NsPid[] {
    return this.#opened.image.pstree.map(({ pid }) => pid);
  }

  /** Undefined if there is no such process. */
  nameOf(pid: NsPid): string | undefined {
    const { pstree, cores } = this.#opened.image;
    if (!pstree.some((entry) => entry.pid === pid)) return undefined;
    return cores.get(pid)?.tc?.comm ?? '';
  }

  pagesOf(pid: NsPid, held: HeldMemory): readonly StoredRun[] {
    const { memory } = this.#opened.image;
    const present = held.present.bind(held);
    return storedPages({ memory, forkers: this.#forkers, present }, pid);
  }

  close(): void {
    this.memory?.close();
  }
}
