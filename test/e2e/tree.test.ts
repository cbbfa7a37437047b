// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { vasRoot } from '../helpers/containerd-cleanup.js';
import { createContainer } from '../helpers/containers.js';
import { mvas } from '../helpers/mvas-command.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { begin, failure, succeed } from './counters.js';

useContainerd([COUNTER.archive]);

/** What `mvas tree --json` prints. */
interface Node {
  readonly kind: string;
  readonly name: string;
  readonly state: string;
  readonly memory: { readonly own: number; readonly shared: number };
  readonly children: readonly Node[];
}

/** Names by descent: `a(b, c(d))`. */
function shapeOf(nodes: readonly Node[]): string {
  const shapes = nodes.map(({ name, children }) =>
    children.length === 0 ? name : `${name}(${shapeOf(children)})`,
  );
  return shapes.sort().join(' ');
}

async function treeOf(t: ExecutionContext): Promise<readonly Node[]> {
  return JSON.parse(await succeed(t, 'tree', '--json')) as Node[];
}

test.serial('a tree has snapshots and containers by descent', async (t) => {
  t.is(await succeed(t, 'tree', '--quiet'), '');
  const { id } = await begin(t);
  const clone = `${id}-x`;
  await succeed(t, 'snapshot', '--name', 'one', id);
  await succeed(t, 'snapshot', '--name', 'two', id);
  await succeed(t, 'fork', '--name', clone, 'one');
  await succeed(t, 'snapshot', '--name', 'side', clone);
  t.is(shapeOf(await treeOf(t)), `one(side(${clone}) two(${id}))`);
  const passing = `${id}-y`;
  await succeed(t, 'fork', '--name', passing, id);
  t.is(shapeOf(await treeOf(t)), `one(side(${clone}) two(${id} ${passing}))`);
  await remove(t, passing);
  await succeed(t, 'rollback', id, 'one');
  await succeed(t, 'snapshot', '--name', 'three', id);
  const roots = await treeOf(t);
  t.is(shapeOf(roots), `one(side(${clone}) three(${id}) two)`);
  const [root] = roots;
  t.like(root, { kind: 'snapshot', state: 'complete' });
  t.true((root?.memory.shared ?? 0) > 0, 'the clone shares its pages');
  const text = await succeed(t, 'tree');
  t.regex(text, /^SNAPSHOT OR CONTAINER .*\none .*\n/);
  t.regex(text, new RegExp(`^└─ three .*\n {3}└─ ${id} +container +running`, 'm'));

  const refusal = await failure(t, 'rm', 'one');
  t.regex(refusal, /remove snapshot one: snapshot side is of a clone of it; remedy: .*--cascade/);
  await succeed(t, 'rm', '--cascade', 'one');
  t.is(shapeOf(await treeOf(t)), `three(${id}) two`);
  await succeed(t, 'rm', 'two', 'three');
  t.is(shapeOf(await treeOf(t)), '');
  for (const one of [clone, id]) await remove(t, one);
});

test.serial('a snapshot stays while a container is to start from it', async (t) => {
  const { id } = await begin(t);
  await succeed(t, 'snapshot', '--name', 'warm', id);
  const waiting = containerId(t, 'waiting');
  const flags = ['--annotation', 'mvas.restore=warm'];
  await createContainer(daemon(), { id: waiting, image: COUNTER.image, flags });
  t.regex(await failure(t, 'rm', 'warm'), new RegExp(`container ${waiting} is to start from it`));
  t.deepEqual(JSON.parse(await succeed(t, 'prune', '--keep', '0', '--json')), {
    removed: [],
    needed: [(await succeed(t, 'ls', '--quiet')).trim()],
    failed: [],
  });
  await succeed(t, 'rm', '--cascade', 'warm');
  await daemon().ctr(['containers', 'rm', waiting]);
  await remove(t, id);
});

test.serial('prune leaves the newest', async (t) => {
  const { id } = await begin(t);
  const ids: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    ids.push(await succeed(t, 'snapshot', '--name', name, id));
  }
  t.is(await succeed(t, 'prune'), '');
  t.is(await succeed(t, 'prune', '--older', '1h', '--keep', '1'), '');
  const wouldBe = await succeed(t, 'prune', '--keep', '1', '--dry-run');
  t.deepEqual(wouldBe.split('\n'), [ids[1], ids[0]]);
  t.is((await treeOf(t)).length, 1);
  t.is(await succeed(t, 'prune', '--keep', '1', '--quiet'), '');
  t.is(shapeOf(await treeOf(t)), `c(${id})`);
  t.is(await succeed(t, 'prune', '--older', '0s'), ids.at(2) ?? '');
  t.regex(await failure(t, 'prune', '--older', 'soon'), /not a number with s, m, h or d/);
  await remove(t, id);
});

test.serial(
  'two snapshots at once do not get one name, and nothing stays of a killed one',
  async (t) => {
    const { id } = await begin(t);
    const left = join(vasRoot(daemon()), '.new-killed');
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, 'name'), '{"name":"same","owner":"nobody"}');
    const other = await begin(t);
    const all = [id, other.id].map((one) => mvas(daemon(), 'snapshot', '--name', 'same', one));
    const ended = await Promise.all(all);
    t.deepEqual(ended.map(({ code }) => code).sort(), [0, 1]);
    for (const { code, stderr } of ended) {
      if (code !== 0) t.regex(stderr, /snapshot same (exists|is being taken).*; remedy: /);
    }
    const names = readdirSync(vasRoot(daemon())).filter((name) => name.startsWith('.new-'));
    t.deepEqual(names, []);
    await succeed(t, 'rm', 'same');
    for (const one of [id, other.id]) await remove(t, one);
  },
);

test.serial(
  'what a killed process has made in containerd is collected after a prune',
  async (t) => {
    const { id } = await begin(t);
    const lease = async (name: string, namespace: string): Promise<string> => {
      const owner = `mvas.owner=${namespace} ${String(process.pid)} 1`; // No process started at that time.
      await daemon().ctr(['leases', 'create', '--id', name, owner]);
      return name;
    };
    const dead = await lease('mvas-dead', readlinkSync('/proc/self/ns/pid'));
    const foreign = await lease('mvas-foreign', 'pid:[1]');
    await daemon().ctr(['leases', 'create', '--id', 'other']);
    await succeed(t, 'prune', '--dry-run');
    t.true((await daemon().ctr(['leases', 'ls'])).includes(dead));
    await succeed(t, 'prune');
    const left = await daemon().ctr(['leases', 'ls']);
    t.false(left.includes(dead));
    for (const one of [foreign, 'other']) {
      t.true(left.includes(one));
      await daemon().ctr(['leases', 'rm', one]);
    }
    await succeed(t, 'snapshot', '--name', 'last', id);
    t.false((await daemon().ctr(['leases', 'ls'])).includes('mvas-'), 'a snapshot leaves none');
    await succeed(t, 'rm', 'last');
    await remove(t, id);
  },
);

leavesNothingBehind();
