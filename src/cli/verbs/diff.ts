// SPDX-License-Identifier: Apache-2.0
import { CONTAINERD_OPTIONS, NO_ROOTFS, withContainerd } from '../containerd.js';
import { requireRoot } from '../root.js';
import { formatBytes, formatJson, formatTable } from '../text.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';
import { differenceOf, type Difference } from '../work/diff.js';

const LETTERS = { added: 'A', changed: 'C', deleted: 'D' } as const;

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
    const difference = await withContainerd(values, (api, signal) =>
      differenceOf(api, { first, second, rootfs, signal }),
    );
    const { files, processes } = difference;
    context.writeOut(
      values.json ? formatJson({ files: files ?? null, processes }) : toText(difference),
    );
    if (rootfs && !files)
      context.writeError('mvas diff: files are not compared: a snapshot was taken without them\n');
    return EXIT.ok;
  },
});

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
