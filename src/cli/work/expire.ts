// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { VasId } from '../../common/ids.js';
import type { Holding, Life, VasEntry } from '../../criu/index.js';
import type { VasStore } from '../vas-store.js';

/** What is wanted besides the end of what is over. */
export interface ExpiryRun {
  /** Bytes that are to be freed by removing what nobody uses, the longest unused first; 0: none. */
  readonly room: number;
  /** Only look. */
  readonly isDry: boolean;
  readonly now: Date;
}

/** What has ended, and why the others that should have are still there. */
export interface Expired {
  readonly ended: readonly { readonly id: VasId; readonly why: string }[];
  readonly failed: readonly string[];
}

interface Candidate {
  readonly entry: VasEntry;
  readonly life: Life;
}

/** Ends the VASes whose time is over or whose image is gone, of all namespaces; then makes room. */
export async function expire(store: VasStore, { room, isDry, now }: ExpiryRun): Promise<Expired> {
  const entries = await store.list();
  const { takenBy } = await import('../../criu/index.js');
  const work = new Expiry({ store, entries, takenBy }, isDry, now);
  const rest: Candidate[] = [];
  for (const entry of entries) {
    const candidate = { entry, life: store.life(entry) };
    if (!(await work.judge(candidate))) rest.push(candidate);
  }
  if (room > work.freed) await work.makeRoom(rest, room);
  return work;
}

/** Where an expiry works. */
interface Place {
  readonly store: VasStore;
  readonly entries: readonly VasEntry[];
  readonly takenBy: (holdings: readonly Holding[]) => number;
}

class Expiry implements Expired {
  readonly ended: { id: VasId; why: string }[] = [];
  readonly failed: string[] = [];
  readonly #store: VasStore;
  readonly #takenBy: Place['takenBy'];
  /** What has not ended, and the bytes that all took. */
  #rest: readonly VasEntry[];
  readonly #taken: number;
  readonly #isDry: boolean;
  readonly #now: Date;

  constructor({ store, entries, takenBy }: Place, isDry: boolean, now: Date) {
    this.#store = store;
    this.#takenBy = takenBy;
    this.#rest = entries;
    this.#taken = this.#bytesOf(entries);
    this.#isDry = isDry;
    this.#now = now;
  }

  /** Bytes that have become free. */
  get freed(): number {
    return this.#taken - this.#bytesOf(this.#rest);
  }

  /** Ends one if its life is over; returns whether it has ended. */
  async judge({ entry, life }: Candidate): Promise<boolean> {
    const { ttlMs, lease } = life.record ?? {};
    if (ttlMs === undefined && lease === undefined) return false;
    const { judgeLife, noteUse } = await import('../../criu/index.js');
    const isGone = lease === 'caller' && (await isImageGone(entry, life));
    const verdict = judgeLife(entry, life, { isGone, now: this.#now });
    if ('ends' in verdict) {
      if (await this.#end({ entry, life }, verdict.ends)) return true;
      await this.#lookAgain(entry, AGAIN_MS);
      return false;
    }
    if (verdict.isUsed && !this.#isDry) noteUse(entry.id, this.#now);
    await this.#lookAgain(entry, verdict.lookAgainMs);
    return false;
  }

  async #lookAgain({ id, holder }: VasEntry, afterMs: number | undefined): Promise<void> {
    if (this.#isDry || !holder) return;
    const { lookAgain } = await import('../../criu/index.js');
    try {
      lookAgain(id, afterMs);
    } catch (error) {
      this.failed.push(`look after VAS ${id}: ${ShimError.from(error).message}`);
    }
  }

  /** @throws ShimError `resourceExhausted` if not enough can go; then nothing has */
  async makeRoom(all: readonly Candidate[], room: number): Promise<void> {
    const chosen: Candidate[] = [];
    let [left, sum] = [this.#rest, this.freed];
    for (const candidate of unusedFirst(all)) {
      if (sum >= room) break;
      if ((await this.#store.needsOf(candidate.entry)).length > 0) continue;
      chosen.push(candidate);
      left = left.filter((entry) => entry !== candidate.entry);
      sum = this.#taken - this.#bytesOf(left);
    }
    if (sum < room) {
      const message = `only ${mib(sum)} of ${mib(room)} are in VASes that nobody uses`;
      throw new ShimError('resourceExhausted', message);
    }
    for (const candidate of chosen) {
      await this.#end(candidate, 'the memory was needed for another one');
    }
    if (this.freed >= room) return;
    throw new ShimError('resourceExhausted', `only ${mib(this.freed)} of ${mib(room)} became free`);
  }

  /** What VASes take together. Nothing is left of one that is lost or broken. */
  #bytesOf(entries: readonly VasEntry[]): number {
    const kept = entries.filter(({ state }) => state !== 'lost' && state !== 'broken');
    return this.#takenBy(kept.flatMap(({ record }) => record ?? []));
  }

  async #end({ entry, life }: Candidate, why: string): Promise<boolean> {
    const { id } = entry;
    if (!this.#isDry && !(await this.#remove(entry, why, life.usedAt))) return false;
    this.ended.push({ id, why });
    this.#rest = this.#rest.filter((one) => one !== entry);
    return true;
  }

  async #remove(entry: VasEntry, why: string, usedAt: Date): Promise<boolean> {
    const { id } = entry;
    const { whileUnused } = await import('../../criu/index.js');
    try {
      const removed = await whileUnused(id, async () => {
        const { clones, usedAt: last } = this.#store.life(entry);
        if (clones > 0 || last > usedAt) return [];
        return await this.#store.remove(id, {
          ...{ force: false, cascade: false, doomed: new Set<VasId>(), why },
        });
      });
      return (removed ?? []).length > 0;
    } catch (error) {
      this.failed.push(ShimError.from(error).message);
      return false;
    }
  }
}

/** How long until one is tried again that should have ended. */
const AGAIN_MS = 600_000;

/** What could make room, the longest unused first. Pure. */
export function unusedFirst(all: readonly Candidate[]): readonly Candidate[] {
  return all
    .filter(({ entry, life }) => entry.state !== 'filling' && life.clones === 0)
    .sort((a, b) => a.life.usedAt.getTime() - b.life.usedAt.getTime());
}

function mib(bytes: number): string {
  return `${String(Math.floor(bytes / 2 ** 20))} MiB`;
}

/** Whether containerd has collected what keeps a VAS; not known, and so no, if it does not tell. */
async function isImageGone({ record }: VasEntry, { record: life }: Life): Promise<boolean> {
  if (!record || !life) return false;
  const { ContainerdApi, decodeNote, encodeNote, lookAtContainerd } =
    await import('../../containerd/index.js');
  const note = decodeNote(life.note);
  if (!note) return false;
  const api = new ContainerdApi(note.place);
  try {
    const found = await lookAtContainerd(api, note, record);
    if (found.note !== note) {
      (await import('../../criu/index.js')).changeNote(life, encodeNote(found.note));
    }
    return found.isGone;
  } catch {
    return false;
  } finally {
    api.close();
  }
}
