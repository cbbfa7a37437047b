// SPDX-License-Identifier: Apache-2.0
import type { Clone } from '../../containerd/index.js';
import { CONTAINERD_OPTIONS, NO_ROOTFS, withContainerd } from '../containerd.js';
import type { CliContext } from '../context.js';
import { requireRoot } from '../root.js';
import { formatJson, printable } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, EXIT_CODES, JSON_OPTION } from '../verb.js';
import { assertCount, forkSource, idsOf, MOST_CLONES, networkOf } from '../work/fork.js';

/** Makes containers of a running container, or of a snapshot. */
export const fork = defineVerb({
  name: 'fork',
  summary: 'make clones of a running container of containerd, or of a snapshot',
  description: `Makes new containers that go on from where a container is, or was when the snapshot was taken. The
    container itself goes on. Its memory is captured once, however many clones there are, and shared with all of them
    until they write to it. Clones are ordinary containers of containerd: any client can list, enter, stop and delete
    them. Each one succeeds or fails alone; their ids are printed.

    Clones have the same image, command, mounts and limits, and root filesystems of their own, with what was changed
    until that moment. Once a clone has ended, a new start of it is an ordinary one.`,
  options: {
    count: {
      type: 'string',
      short: 'c',
      value: 'N',
      default: '1',
      help: `how many (at most ${String(MOST_CLONES)})`,
    },
    name: {
      type: 'string',
      value: 'NAME',
      help: "their ids; {n} becomes 1, 2, ... (default: the container's id, random letters, and {n})",
    },
    label: { type: 'string', value: 'KEY=VALUE[,...]', default: '', help: 'labels for them' },
    net: {
      type: 'string',
      value: 'NETWORK',
      default: 'same',
      help:
        'their network namespace: same (as in the spec of the container), none (empty), or a path, in which {name} ' +
        'becomes the id',
    },
    'log-uri': {
      type: 'string',
      value: 'URI',
      default: '',
      help: "where their output goes, as in 'ctr run'; {name} becomes the id",
    },
    hook: {
      type: 'string',
      value: 'COMMAND',
      help: 'run this in each clone before it goes on: a JSON list of words, or what /bin/sh runs',
    },
    'hook-required': { type: 'boolean', help: 'make no clone whose hook fails' },
    'own-daemons': {
      type: 'boolean',
      help: 'give each clone a shim of its own; by default up to eight share one, and end if it is killed',
    },
    ...NO_ROOTFS,
    ...CONTAINERD_OPTIONS,
    json: JSON_OPTION,
  },
  arguments: {
    synopsis: 'CONTAINER|SNAPSHOT',
    min: 1,
    max: 1,
    wrong: 'takes one container or snapshot',
    words: 'container',
  },
  examples: [
    ["mvas fork --count 8 --name 'web-{n}' web", 'makes web-1 to web-8 of the container web'],
    [
      "mvas fork -c 4 --name 'web-{n}' --net '/run/netns/{name}' web",
      'makes four, each in a network namespace that exists',
    ],
    ['mvas fork --json loaded', 'makes a container of the snapshot loaded'],
  ],
  exitCodes: [
    ...EXIT_CODES.filter(([code]) => code !== '1'),
    ['1', 'failed, for one clone or all'],
  ],
  async run({ values, words: [source = ''] }, context) {
    const count = parseCount(values.count);
    const network = networkOf(values.net);
    const labels = parseLabels(values.label);
    if (values.name !== undefined) idsOf(values.name, count);
    requireRoot(context, `fork ${source}`);
    const { hook: command, 'hook-required': isRequired } = values;
    const hook = command === undefined ? undefined : { command, isRequired };
    const { 'log-uri': logUri, 'own-daemons': ownDaemons } = values;
    const request = { source, count, labels, network, hook, logUri, ownDaemons };
    const clones = await withContainerd(values, (api, signal) =>
      forkSource(api, { ...request, name: values.name, rootfs: !values['no-rootfs'], signal }),
    );
    return report(context, clones, values.json);
  },
});

function report(context: CliContext, clones: readonly Clone[], json: boolean): number {
  const lines = clones.map(({ id, pid, ms, error }) =>
    error ? { id, ms, kind: error.kind, message: error.message } : { id, pid, ms },
  );
  if (json) context.writeOut(formatJson(lines));
  for (const { id, error } of clones) {
    if (error) context.writeError(`mvas fork: ${printable(`${id}: ${error.message}`)}\n`);
    else if (!json) context.writeOut(`${id}\n`);
  }
  return clones.some(({ error }) => error) ? EXIT.failed : EXIT.ok;
}

function parseCount(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  assertCount(count, text);
  return count;
}

function parseLabels(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (key !== undefined && value !== undefined) return [key, value];
      throw new UsageError(`'--label ${pair}': not KEY=VALUE`, { verb: 'fork' });
    }),
  );
}
