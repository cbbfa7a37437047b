// SPDX-License-Identifier: Apache-2.0
import type { ContainerdApi } from '../../containerd/index.js';
import type { FileDiff, ProcessDiff, SnapshotRecord } from '../../criu/index.js';
import { CONTAINERD_OPTIONS, NO_ROOTFS, withContainerd } from '../containerd.js';
import { requireRoot } from '../root.js';
import { sourceOf } from '../source.js';
import { formatBytes, formatJson, formatTable } from '../text.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

const LETTERS = { added: 'A', changed: 'C', deleted: 'D' } as const;

/** What is different between two snapshots. */
interface Difference {
  /** Undefined if files were not compared. */
  readonly files: readonly FileDiff[] | undefined;
  readonly processes: readonly ProcessDiff[];
}

/** Shows what has changed between two snapshots. */
export const diff = defineVerb({
  name: 'diff',
  summary: 'show what differs between two snapshots or containers: files, processes, memory',
  description: `Shows what has changed from the first snapshot to the second. A container stands for what it is now:
    it is captured for this, and goes on. A snapshot alone is compared with its container, a container alone with its
    last snapshot.

    A stands for added, C for changed, D for deleted. Of a process, MEMORY is how much of its memory differs, in
    whole pages. Files are those of the root filesystem.`,
  options: { ...NO_ROOTFS, ...CONTAINERD_OPTIONS, json: JSON_OPTION },
  arguments: {
    synopsis: 'SNAPSHOT|CONTAINER [SNAPSHOT|CONTAINER]',
    min: 1,
    max: 2,
    wrong: 'takes one or two snapshots or containers',
    words: 'container',
  },
  examples: [
    ['mvas diff before after', 'shows what has changed from snapshot before to snapshot after'],
    ['mvas diff web', 'shows what the container web has changed since its last snapshot'],
  ],
  async run({ values, words: [first = '', second] }, context) {
    requireRoot(context, `compare ${first}`);
    const rootfs = !values['no-rootfs'];
    const difference = await withContainerd(values, async (api, signal) => {
      const options = { rootfs, signal };
      const [from, to] = second === undefined ? await pairOf(api, first) : [first, second];
      return await withSource(api, from, options, (before) =>
        withSource(api, to, options, (after) => compare(api, [before, after], options)),
      );
    });
    const { files, processes } = difference;
    context.writeOut(
      values.json ? formatJson({ files: files ?? null, processes }) : toText(difference),
    );
    if (rootfs && !files)
      context.writeError('mvas diff: files are not compared: a snapshot was taken without them\n');
    return EXIT.ok;
  },
});

interface Options {
  readonly rootfs: boolean;
  readonly signal: AbortSignal;
}

/** The snapshot and the container of which one is meant. */
async function pairOf(api: ContainerdApi, wanted: string): Promise<readonly [string, string]> {
  const { listSnapshots } = await import('../../criu/index.js');
  const { findContainer, lastSnapshotOf } = await import('../../containerd/index.js');
  const { namespace } = api.place;
  const snapshot = listSnapshots(namespace).find(
    ({ id, name }) => id === wanted || name === wanted,
  );
  if (snapshot) return [wanted, snapshot.containerId];
  return [lastSnapshotOf(await findContainer(api, wanted), namespace).id, wanted];
}

async function withSource<T>(
  api: ContainerdApi,
  wanted: string,
  options: Options,
  work: (snapshot: SnapshotRecord) => Promise<T>,
): Promise<T> {
  const source = await sourceOf(api, wanted, options);
  try {
    return await work(source.snapshot);
  } finally {
    await source.drop();
  }
}

async function compare(
  api: ContainerdApi,
  [before, after]: readonly [SnapshotRecord, SnapshotRecord],
  { rootfs, signal }: Options,
): Promise<Difference> {
  const { compareCheckpoints, imageOf } = await import('../../criu/index.js');
  const { diffFiles } = await import('../../containerd/index.js');
  const files = rootfs ? await diffFiles(api, before, after, signal) : undefined;
  const processes = await compareCheckpoints(imageOf(before), imageOf(after), signal);
  return { files, processes };
}

function toText({ files = [], processes }: Difference): string {
  const rows = [
    ...processes.map(({ change, pid, name, bytes }) => [
      LETTERS[change],
      `pid ${String(pid)} (${name})`,
      bytes === undefined ? '-' : formatBytes(bytes),
    ]),
    ...files.map(({ change, path }) => [LETTERS[change], path]),
  ];
  return rows.length === 0 ? '' : formatTable([['CHANGE', 'WHAT', 'MEMORY'], ...rows]);
}
