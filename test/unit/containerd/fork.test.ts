// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { asVasId } from '../../../src/common/ids.js';
import type { ContainerdApi } from '../../../src/containerd/api.js';
import { fork } from '../../../src/containerd/fork.js';
import { encodeSpec } from '../../../src/containerd/spec.js';
import { encodeTemplate } from '../../../src/containerd/template.js';

const TEMPLATE = encodeTemplate({
  container: {
    id: 'db',
    snapshotKey: 'db',
    snapshotter: 'overlayfs',
    spec: { typeUrl: 'spec', value: encodeSpec({ process: { args: ['redis-server'] } }) },
  },
  parent: 'files',
  place: { address: '/run/containerd/containerd.sock', namespace: 'default' },
});

/** Answers of a containerd that has no room left for the change of a record, while it starts a task. */
const ANSWERS: Readonly<Record<string, () => Promise<object>>> = {
  'Containers/Update': () => Promise.reject(new ShimError('resourceExhausted', 'no space left')),
  'Tasks/Start': () => delay(50, { pid: 7 }),
};

test('a clone whose record cannot be changed while it starts is undone', async (t) => {
  const calls: string[] = [];
  const call = (method: string): Promise<object> => {
    calls.push(method);
    return ANSWERS[method]?.() ?? Promise.resolve({});
  };
  const unhandled: unknown[] = [];
  const hear = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', hear);
  t.teardown(() => process.off('unhandledRejection', hear));
  const [clone] = await fork(
    { call } as unknown as ContainerdApi,
    { id: asVasId('0'.repeat(32)), template: TEMPLATE },
    {
      ...{ ids: ['db-1'], labels: {}, network: 'same', logUri: '', ownDaemons: true },
      signal: new AbortController().signal,
    },
  );
  t.is(clone?.error?.message, 'no space left');
  t.deepEqual(unhandled, [], 'one would end the process, with all that it is making');
  t.deepEqual(calls.slice(calls.indexOf('Tasks/Start') + 1), [
    'Tasks/Kill',
    'Tasks/Wait',
    'Tasks/Delete',
    'Snapshots/Remove',
    'Containers/Delete',
  ]);
});
