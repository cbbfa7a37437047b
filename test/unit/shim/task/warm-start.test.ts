// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import type { SnapshotUser } from '../../../../src/criu/index.js';
import { asVasId } from '../../../../src/common/ids.js';
import { originOf } from '../../../../src/shim/task/warm-start.js';

const record = {
  format: 2,
  id: asVasId('0'.repeat(32)),
  name: 'warm',
  owner: 'test',
  group: '',
  shared: [],
  containerId: 'db',
  createdAt: '',
  args: ['redis-server'],
  template: '',
} as const;

/** The image that a container with these annotations begins from, where one snapshot is known. */
async function imageFor(annotations: Record<string, string>, args = ['redis-server']) {
  const never = new Promise<never>(() => undefined);
  const findSnapshot = (wanted: string, { owner, group }: SnapshotUser) =>
    wanted === 'warm' && owner === 'test' && group === 'team'
      ? Promise.resolve({ record, imagePath: '/image' })
      : Promise.reject(new ShimError('notFound', `no snapshot ${wanted}`));
  const engine = {
    checkpoint: () => never,
    beginRestore: () => never,
    spareVas: () => never,
    series: () => never,
    copyTree: () => never,
    addLayer: () => never,
    runMvas: () => never,
    findSnapshot,
    failsAlways: () => never,
    noteStart: () => never,
  };
  const pod = { 'io.kubernetes.cri.sandbox-namespace': 'team', ...annotations };
  const request = { annotations: pod, process: { args } };
  return (await originOf(request, { namespace: 'test', engine })).imagePath;
}

test('without the annotation a container starts cold', async (t) => {
  t.is(await imageFor({}), '');
});

test('with it, it is a clone of the snapshot', async (t) => {
  t.is(await imageFor({ 'mvas.restore': 'warm' }), '/image');
});

test('a snapshot that is gone is an error, or a cold start', async (t) => {
  const error = await t.throwsAsync(imageFor({ 'mvas.restore': 'x' }));
  t.like(error, { kind: 'notFound', message: 'annotation mvas.restore: no snapshot x' });
  const fallback = (value: string) =>
    imageFor({ 'mvas.restore': 'x', 'mvas.restore.fallback': value });
  t.is(await fallback('cold'), '');
  await t.throwsAsync(fallback('hot'), { message: /"hot", not fail or cold/ });
});

test('a snapshot of another command is refused in any case', async (t) => {
  const annotations = { 'mvas.restore': 'warm', 'mvas.restore.fallback': 'cold' };
  await t.throwsAsync(imageFor(annotations, ['sh']), { message: /runs \["redis-server"\], but/ });
});
