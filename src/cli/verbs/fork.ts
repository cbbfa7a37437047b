// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type { Clone, Network } from '../../containerd/index.js';
import { CONTAINERD_OPTIONS, NO_ROOTFS, withContainerd } from '../containerd.js';
import type { CliContext } from '../context.js';
import { requireRoot } from '../root.js';
import { sourceOf } from '../source.js';
import { formatJson, printable } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, EXIT_CODES, JSON_OPTION } from '../verb.js';

const MOST = 1000;
/** containerd's own rule for ids of containers. */
const ID = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;
const LONGEST = 76;

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
      help: `how many (at most ${String(MOST)})`,
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
      help: 'their network namespace: same (as in the spec of the container), none (empty), or a path',
    },
    'log-uri': {
      type: 'string',
      value: 'URI',
      default: '',
      help: "where their output goes, as in 'ctr run'; {name} becomes the id",
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
    ['mvas fork --json loaded', 'makes a container of the snapshot loaded'],
  ],
  exitCodes: [
    ...EXIT_CODES.filter(([code]) => code !== '1'),
    ['1', 'failed, for one clone or all'],
  ],
  async run({ values, words: [source = ''] }, context) {
    const count = parseCount(values.count);
    const network = parseNetwork(values.net);
    const labels = parseLabels(values.label);
    if (values.name !== undefined) idsOf(values.name, count);
    requireRoot(context, `fork ${source}`);
    return await withContainerd(values, async (api, signal) => {
      const { fork: makeClones } = await import('../../containerd/index.js');
      const { snapshot, drop } = await sourceOf(api, source, {
        rootfs: !values['no-rootfs'],
        signal,
      });
      try {
        const pattern =
          values.name ?? `${snapshot.containerId}-${randomBytes(2).toString('hex')}-{n}`;
        const ids = idsOf(pattern, count);
        const request = { ids, labels, network, logUri: values['log-uri'], signal };
        const clones = await makeClones(api, snapshot, request);
        return report(context, clones, values.json);
      } finally {
        await drop();
      }
    });
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
  const count = Number(text);
  if (/^\d{1,4}$/.test(text) && count >= 1 && count <= MOST) return count;
  throw new UsageError(`'--count ${text}': not a number from 1 to ${String(MOST)}`, {
    verb: 'fork',
  });
}

function parseNetwork(text: string): Network {
  if (text === 'same' || text === 'none') return text;
  if (text.startsWith('/')) return text as Network;
  throw new UsageError(`'--net ${text}': not same, none or an absolute path`, { verb: 'fork' });
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

/** The ids of clones. @throws UsageError for a pattern that gives no valid ids, or the same one twice */
function idsOf(pattern: string, count: number): string[] {
  const fail = (why: string): never => {
    throw new UsageError(`'--name ${pattern}': ${why}`, { verb: 'fork' });
  };
  if (count > 1 && !pattern.includes('{n}')) fail('several clones need {n} in it');
  const ids = Array.from({ length: count }, (_, n) => pattern.replaceAll('{n}', String(n + 1)));
  const wrong = ids.find((id) => !ID.test(id) || id.length > LONGEST);
  if (wrong !== undefined) fail(`'${wrong}' is not a valid id of a container`);
  return ids;
}
