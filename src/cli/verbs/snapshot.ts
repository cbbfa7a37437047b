// SPDX-License-Identifier: Apache-2.0
import { CONTAINERD_OPTIONS, NO_ROOTFS, withContainerd } from '../containerd.js';
import { LIFE_OPTIONS, lifeRequestOf } from '../life-options.js';
import { requireRoot } from '../root.js';
import { ONE_CONTAINER } from '../runtime-container.js';
import { formatJson } from '../text.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

/** Takes a snapshot of a container of containerd. */
export const snapshot = defineVerb({
  name: 'snapshot',
  summary: 'take a snapshot of a container of containerd, which goes on',
  description: `Takes a snapshot of a running or paused container of containerd, and prints its id. The container stands
    still for a moment and goes on. Nobody has to pause it. What it has changed in its root filesystem is part of the
    snapshot, as of the same moment, unless --no-rootfs is given.

    A snapshot is a VAS that keeps its metadata itself. 'mvas fork' makes containers of it; so does any client that
    creates a container with the annotation mvas.restore=ID or mvas.restore=NAME. 'mvas ls' lists snapshots, and
    'mvas rm' removes them.`,
  options: {
    name: { type: 'string', value: 'NAME', default: '', help: 'name for the snapshot' },
    ...NO_ROOTFS,
    ...LIFE_OPTIONS,
    series: {
      type: 'boolean',
      default: false,
      help: 'copy only what has changed since the last one with --series, and track changes for the next one',
    },
    share: {
      type: 'string',
      value: 'WHO[,WHO...]',
      help: 'who else may make clones of it: NAMESPACE, NAMESPACE/POD-NAMESPACE or *',
    },
    ...CONTAINERD_OPTIONS,
    json: JSON_OPTION,
  },
  arguments: ONE_CONTAINER,
  examples: [
    ['mvas snapshot --name loaded db', 'takes a snapshot of the container db'],
    [
      'mvas snapshot --series db',
      'takes one of many, each of which shares its memory with the one before',
    ],
  ],
  async run({ values, words: [containerId = ''] }, context) {
    requireRoot(context, `snapshot ${containerId}`);
    const { name } = values;
    const life = lifeRequestOf(values);
    const record = await withContainerd(values, async (api, signal) => {
      const { takeSnapshot } = await import('../../containerd/index.js');
      return await takeSnapshot(api, {
        ...{ containerId, name, life, signal, shared: values.share, isOfSeries: values.series },
        rootfs: !values['no-rootfs'],
      });
    });
    const { id, createdAt } = record;
    context.writeOut(values.json ? formatJson({ id, name, containerId, createdAt }) : `${id}\n`);
    return EXIT.ok;
  },
});
