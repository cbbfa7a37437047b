// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { ShimError } from '../common/errors.js';
import { isOurSnapshot, OURS } from '../common/our-snapshots.js';
import { vasRoot } from '../criu/index.js';
import type { ContainerdApi } from './api.js';
import { hasEnded, ownership } from './lease-owner.js';
import type { Container } from '../common/messages/containers.js';
import type { Mount } from '../common/messages/mount.js';
import type { Info } from '../common/messages/snapshots.js';

/** Keeps a snapshot of containerd from being collected. */
const ROOT = 'containerd.io/gc.root';

/** Label of such a snapshot: the root of the VASes, one of which it belongs to. */
const HOME = 'mvas.root';

/** A snapshotter's snapshot. */
type Key = Readonly<Record<'snapshotter' | 'key', string>>;

/**
 * A new snapshot of containerd for what a container has changed in its root filesystem. The shim fills it while the
 * container stands still; clones are prepared on top of it, whatever its size.
 */
export class Changes {
  /** Where the changes are, and where they are to be copied. */
  readonly places: {
    readonly from: string;
    readonly to: string;
    /** Ids of the copy, where the mounts of a snapshot show them as others; empty strings: as they are. */
    readonly uidmap: string;
    readonly gidmap: string;
  };
  readonly #api: ContainerdApi;
  readonly #new: Key;
  readonly #parent: string;
  readonly #layers: readonly string[] | undefined;
  #isOpen = true;

  private constructor(
    api: ContainerdApi,
    snapshot: {
      readonly new: Key;
      readonly parent: string;
      readonly layers: readonly string[] | undefined;
      readonly places: Changes['places'];
    },
  ) {
    this.#api = api;
    this.#new = snapshot.new;
    this.#parent = snapshot.parent;
    this.#layers = snapshot.layers;
    this.places = snapshot.places;
  }

  /**
   * Prepares it; to be kept or dropped, under a lease.
   *
   * @throws ShimError `unimplemented` if the container's snapshotter keeps changes in another way than overlayfs
   */
  static async begin(api: ContainerdApi, container: Partial<Container>): Promise<Changes> {
    const { id = '', snapshotter = '', snapshotKey: key = '' } = container;
    const parent = await parentOf(api, container);
    const { mounts } = await api.call('Snapshots/Mounts', { snapshotter, key });
    const from = upperOf(mounts, parent);
    if (from === undefined) {
      const why = `the snapshotter ${snapshotter} does not tell changes of files`;
      const remedy = 'remedy: leave them out (--no-rootfs)';
      throw new ShimError('unimplemented', `container ${id}: ${why}; ${remedy}`);
    }
    const fresh = { snapshotter, key: `${OURS}${randomBytes(16).toString('hex')}` };
    const prepared = await api.call('Snapshots/Prepare', { ...fresh, parent });
    const ids = { uidmap: optionOf(mounts, 'uidmap'), gidmap: optionOf(mounts, 'gidmap') };
    const places = { from, to: upperOf(prepared.mounts, parent) ?? '', ...ids };
    return new Changes(api, { new: fresh, parent, layers: layersOf(mounts), places });
  }

  /** Where the root filesystem lies once this is kept, the uppermost layer first; undefined if it is no overlay. */
  get layers(): readonly string[] | undefined {
    const own = this.#isEmpty ? [] : [this.places.to];
    return this.#layers && [...own, ...this.#layers];
  }

  get #isEmpty(): boolean {
    return readdirSync(this.places.to).length === 0;
  }

  /** Keeps it. Returns what clones are prepared from: this, or its parent if nothing was changed. */
  async keep(): Promise<string> {
    if (this.#isEmpty) {
      await this.drop();
      return this.#parent;
    }
    const { snapshotter, key } = this.#new;
    const name = `${key}-files`;
    const labels = [{ key: ROOT, value: new Date().toISOString() }, ownership(), home()];
    await this.#api.call('Snapshots/Commit', { snapshotter, name, key, labels });
    this.#isOpen = false;
    return name;
  }

  /** Drops it, unless it has been kept. */
  async drop(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#api.call('Snapshots/Remove', this.#new);
  }
}

/** Where the VAS lies that files belong to. */
function home(): { readonly key: string; readonly value: string } {
  return { key: HOME, value: vasRoot() };
}

/**
 * Removes files that nobody needs: those of a snapshot that a process could not complete or remove while containerd was away,
 * and of an earlier boot.
 */
export async function dropOrphans(
  api: ContainerdApi,
  snapshotters: Iterable<string>,
  needed: ReadonlySet<string>,
): Promise<void> {
  for (const snapshotter of snapshotters) {
    const orphans: string[] = [];
    for await (const { info } of api.stream('Snapshots/List', { snapshotter })) {
      const names = info.filter(isOrphan).map(({ name = '' }) => name);
      orphans.push(...names.filter((name) => !needed.has(name)));
    }
    for (const name of orphans) await dropChanges(api, snapshotter, name);
  }
}

/** Whether it is kept for a VAS of ours by a process that has ended. */
function isOrphan({ name = '', labels = [] }: Partial<Info>): boolean {
  const isOurs = isOurSnapshot(name) && labels.some(({ value }) => value === vasRoot());
  return isOurs && labels.some(({ key }) => key === ROOT) && hasEnded(labels);
}

/** The snapshot that a container's root filesystem lies on. */
export async function parentOf(
  api: ContainerdApi,
  { snapshotter = '', snapshotKey: key = '' }: Partial<Container>,
): Promise<string> {
  if (key === '') return '';
  const { info } = await api.call('Snapshots/Stat', { snapshotter, key });
  return info?.parent ?? '';
}

/** The image of a container, below all changes of files; undefined without a root filesystem of containerd's. */
export async function imageOf(
  api: ContainerdApi,
  container: Partial<Container>,
): Promise<{ readonly name: string; readonly chainId: string } | undefined> {
  const { image = '', snapshotter = '' } = container;
  let chainId = await parentOf(api, container);
  while (isOurSnapshot(chainId))
    chainId = await parentOf(api, { snapshotter, snapshotKey: chainId });
  return chainId === '' ? undefined : { name: image, chainId };
}

/** Removes what {@link Changes.keep} has kept; what clones still need goes when the last of them goes. */
export async function dropChanges(
  api: ContainerdApi,
  snapshotter: string,
  name: string,
): Promise<void> {
  if (!isOurSnapshot(name)) return;
  try {
    await api.call('Snapshots/Remove', { snapshotter, key: name });
  } catch (error) {
    const { kind } = ShimError.from(error);
    if (kind === 'notFound') return;
    if (kind !== 'failedPrecondition') throw error;
    const updateMask = { paths: ['labels'] };
    await api.call('Snapshots/Update', { snapshotter, info: { name, labels: [] }, updateMask });
  }
}

/** What asks a snapshotter to show the files of a snapshot's parent with other ids. */
const ID_LABELS = ['containerd.io/snapshot/uidmapping', 'containerd.io/snapshot/gidmapping'];

/** Those labels of a container's snapshot with which snapshots of its clones have to be prepared. */
export async function idLabelsOf(
  api: ContainerdApi,
  { snapshotter = '', snapshotKey: key = '' }: Partial<Container>,
): Promise<{ key: string; value: string }[]> {
  if (key === '') return [];
  const { info } = await api.call('Snapshots/Stat', { snapshotter, key });
  const labels = info?.labels ?? [];
  return labels.flatMap(({ key: name = '', value = '' }) =>
    ID_LABELS.includes(name) ? [{ key: name, value }] : [],
  );
}

/** An option of a root filesystem's mount; empty if it has none. */
function optionOf([{ options = [] } = {}]: readonly Partial<Mount>[], name: string): string {
  const option = options.find((one) => one.startsWith(`${name}=`));
  return option?.slice(name.length + 1) ?? '';
}

/** Where a snapshot's own files lie; without a parent they are all there is. */
export function upperOf(mounts: readonly Partial<Mount>[], parent: string): string | undefined {
  const [{ type = '', source = '', options = [] } = {}] = mounts;
  if (type === 'bind' && parent === '') return source;
  const upper = options.find((option) => option.startsWith('upperdir='));
  return type === 'overlay' ? upper?.slice('upperdir='.length) : undefined;
}

/** The layers below an overlay, the uppermost first; undefined if it is none. */
export function layersOf(mounts: readonly Partial<Mount>[]): readonly string[] | undefined {
  const lower = mounts[0]?.options?.find((option) => option.startsWith('lowerdir='));
  return lower?.slice('lowerdir='.length).split(':');
}
