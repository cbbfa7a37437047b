// SPDX-License-Identifier: Apache-2.0
import { CONTAINERD_OPTIONS, withContainerd } from '../containerd.js';
import { requireRoot } from '../root.js';
import { formatJson } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

/** Puts a container of containerd back to a snapshot. */
export const rollback = defineVerb({
  name: 'rollback',
  summary: 'put a running container of containerd back to a snapshot, in place',
  description: `Puts a running container back to one of its snapshots (default: its last one), or to the one that it is
    a clone of, and prints the snapshot's id. Memory and root filesystem are as of the snapshot. The container keeps its
    id, task, cgroups, network and streams; its mounts are made anew from its spec, and its pid on the host is another
    one. Nobody hears of an end: containerd gets no event about its init, and whoever waits for it goes on waiting.
    Processes that came by exec are killed, and their ends are reported.

    The new processes are made ready beside the present ones, which go on until only their end is left to do. If
    something fails before, the container is as it was; if something fails after, it has ended.`,
  options: {
    'no-rootfs': { type: 'boolean', help: 'leave the root filesystem as it is' },
    ...CONTAINERD_OPTIONS,
    json: JSON_OPTION,
    quiet: { type: 'boolean', short: 'q', help: 'print nothing' },
  },
  arguments: {
    synopsis: 'CONTAINER [SNAPSHOT]',
    min: 1,
    max: 2,
    wrong: 'needs the id of a container, and at most a snapshot',
    words: 'vas',
  },
  examples: [
    ['mvas rollback agent', 'puts the container agent back to its last snapshot'],
    ['mvas rollback agent before-upgrade', 'puts it back to the snapshot before-upgrade'],
  ],
  async run({ values, words: [containerId = '', snapshot] }, context) {
    requireRoot(context, `roll back ${containerId}`);
    const { json, quiet } = values;
    if (json && quiet) throw new UsageError(`'--json' and '--quiet' exclude each other`);
    const done = await withContainerd(values, async (api, signal) => {
      const { rollBack } = await import('../../containerd/index.js');
      const rootfs = !values['no-rootfs'];
      return await rollBack(api, { containerId, snapshot, rootfs, signal });
    });
    const { pid, standstillMs } = done;
    const { id, name } = done.snapshot;
    if (json) context.writeOut(formatJson({ containerId, snapshot: id, name, pid, standstillMs }));
    else if (!quiet) context.writeOut(`${id}\n`);
    return EXIT.ok;
  },
});
