// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { vasesOf, vasRoot } from '../helpers/containerd-cleanup.js';
import { createContainer, taskOf } from '../helpers/containers.js';
import { MvasService, type Ended, type Message } from '../helpers/mvas-service.js';
import { leftAtLast, until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, assertInStep, begin, failure, succeed } from './counters.js';

useContainerd([COUNTER.archive]);

const CODES = { cancelled: 1, invalid: 3, late: 4, notFound: 5, exists: 6, unavailable: 14 };

let service: MvasService;
test.serial.before('start the service', async () => {
  service = await MvasService.start(daemon());
});
test.after.always('end it', async () => {
  await service.end();
});

/** The last message of a call that has succeeded. */
function done(t: ExecutionContext, { messages, code, details }: Ended, field: string): Message {
  t.is(code, 0, details);
  return messages.at(-1)?.[field] as Message;
}

function stagesOf({ messages }: Ended): unknown[] {
  return messages.map(({ stage }) => stage).filter((stage) => stage !== undefined);
}

/** What lies where VASes are, beside the socket. */
async function memory(): Promise<string[]> {
  return (await vasesOf(daemon())).filter((name) => name !== basename(service.path));
}

async function takeSnapshot(t: ExecutionContext, containerId: string, name = ''): Promise<string> {
  const ended = await service.client.call('Snapshot', { container_id: containerId, name });
  return String(done(t, ended, 'snapshot')['id']);
}

test.serial('only root reaches the socket', (t) => {
  t.is(statSync(service.path).mode & 0o777, 0o600);
});

test.serial('a snapshot is taken, listed, inspected and removed', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const ended = await service.client.call('Snapshot', {
    container_id: id,
    name: 'served',
    ttl: '7d',
  });
  t.deepEqual(stagesOf(ended), ['STAGE_PREPARE', 'STAGE_CHECKPOINT', 'STAGE_KEEP']);
  const snapshot = done(t, ended, 'snapshot');
  t.like(snapshot, { name: 'served', container_id: id });
  await assertAlive(t, pid, birth);

  t.is(await succeed(t, 'ls', '--quiet'), String(snapshot['id']), 'the command sees it');
  const { vases } = await service.client.ask('List', { namespace: daemon().namespace });
  t.like((vases as Message[])[0], { id: snapshot['id'], name: 'served', state: 'complete' });
  t.deepEqual(await service.client.ask('List', { namespace: 'another' }), {});
  const inspected = await service.client.ask('Inspect', { ids: ['served'] });
  const [details] = inspected['vases'] as Message[];
  t.true((details?.['segments'] as unknown[]).length > 3);
  t.is((details?.['vas'] as Message)['namespace'], daemon().namespace);

  const removed = await service.client.call('Remove', { ids: ['served', 'nobody'] });
  t.is(removed.code, 0);
  const failures = removed.messages.flatMap(({ failed = [] }) => failed as Message[]);
  t.like(failures[0], { id: 'nobody', code: CODES.notFound });
  t.deepEqual(
    removed.messages.flatMap(({ removed: gone = [] }) => gone as string[]),
    [String(snapshot['id'])],
  );
  t.deepEqual(await memory(), []);
  await remove(t, id);
});

test.serial('clones are told of one by one, and fail alone', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const taken = containerId(t, 'y-2');
  await createContainer(daemon(), { id: taken, image: COUNTER.image });
  const pattern = taken.replace('2', '{n}');
  const request = { source: id, count: 3, name: pattern, labels: { a: 'b' } };
  const ended = await service.client.call('Fork', request);
  t.is(ended.code, 0, ended.details);
  t.deepEqual(stagesOf(ended), ['STAGE_PREPARE', 'STAGE_CHECKPOINT', 'STAGE_KEEP']);
  const failures = ended.messages.flatMap(({ failure: one }) => (one ? [one as Message] : []));
  t.like(failures[0], { id: taken, code: CODES.exists });
  const clones = ended.messages.flatMap(({ clone }) => (clone ? [clone as Message] : []));
  t.is(clones.length, 2);
  for (const clone of clones) {
    await assertAlive(t, Number(clone['pid']), birth);
    assertInStep(t, Number(clone['pid']));
    await remove(t, String(clone['id']));
  }
  t.deepEqual(await memory(), [], 'the snapshot was only for the fork');
  await daemon().ctr(['containers', 'rm', taken]);
  await remove(t, id);
});

test.serial('a container is put back', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const snapshot = await takeSnapshot(t, id);
  const ended = await service.client.call('Rollback', { container_id: id });
  t.deepEqual(stagesOf(ended), ['STAGE_PREPARE', 'STAGE_RESTORE']);
  const result = done(t, ended, 'done');
  t.is(result['snapshot_id'], snapshot);
  t.true(Number(result['standstill_ms']) > 0);
  await assertAlive(t, Number(result['pid']), birth);
  const pruned = await service.client.call('Prune', { keep: 0 });
  t.deepEqual(pruned.messages[0]?.['removed'], [snapshot]);
  await remove(t, id);
});

test.serial('who descends from whom, and what has changed', async (t) => {
  const { id } = await begin(t);
  const snapshot = await takeSnapshot(t, id, 'before');
  const clone = `${id}-clone`;
  await succeed(t, 'fork', '--name', clone, 'before');
  const { nodes } = await service.client.ask('Tree', {});
  const [parent, ...children] = nodes as Message[];
  t.like(parent, { id: snapshot, name: 'before', state: 'complete' });
  t.true(Number(parent?.['own_bytes']) + Number(parent?.['shared_bytes']) > 0);
  t.deepEqual(children.map((node) => node['id']).sort(), [id, clone].sort());
  for (const node of children) t.like(node, { parent: snapshot, is_container: true });
  t.deepEqual(await service.client.ask('Tree', { namespace: 'another' }), {});

  const ended = await service.client.call('Diff', { first: 'before' });
  t.deepEqual(stagesOf(ended), ['STAGE_PREPARE', 'STAGE_CHECKPOINT', 'STAGE_KEEP']);
  const { files, processes, has_files: hasFiles } = done(t, ended, 'done');
  t.true(hasFiles);
  const file = (files as Message[]).find(({ path }) => path === '/state');
  t.is(file?.['difference'], 'DIFFERENCE_CHANGED');
  const init = (processes as Message[]).find(({ pid }) => pid === 1);
  t.like(init, { difference: 'DIFFERENCE_CHANGED', name: 'sh' });
  t.true(Number(init?.['bytes']) > 0);
  const bare = await service.client.call('Diff', { first: 'before', no_rootfs: true });
  t.falsy(done(t, bare, 'done')['has_files']);
  t.is((await memory()).length, 1, 'what was captured for it is gone');
  for (const one of [clone, id]) await remove(t, one);
  await succeed(t, 'rm', 'before');
});

test.serial('a snapshot is shared, and has a lease', async (t) => {
  const { id } = await begin(t);
  const asked = { container_id: id, name: 'leased', lease: 'image', share: 'one/a, two' };
  const ended = await service.client.call('Snapshot', asked);
  const snapshot = String(done(t, ended, 'snapshot')['id']);
  const path = join(vasRoot(daemon()), snapshot, 'snapshot.json');
  t.like(JSON.parse(readFileSync(path, 'utf8')), { shared: ['one/a', 'two'] });
  const [listed] = JSON.parse(await succeed(t, 'ls', '--json')) as { kept: string[] }[];
  t.deepEqual(listed?.kept, ['as long as containerd has its files']);
  await remove(t, id);
  await succeed(t, 'rm', 'leased');
});

test.serial('errors have the codes of gRPC and say why', async (t) => {
  const { id } = await begin(t);
  await takeSnapshot(t, id, 'twice');
  const fails = async (name: string, request: object, code: number, why: RegExp) => {
    const ended = await service.client.call(name, request);
    t.is(ended.code, code, `${name}: ${ended.details}`);
    t.regex(ended.details, why);
  };
  await fails('Snapshot', {}, CODES.invalid, /container_id is empty/);
  await fails('Snapshot', { container_id: 'nobody' }, CODES.notFound, /no container.*nobody/);
  await fails('Snapshot', { container_id: id, name: 'a b' }, CODES.invalid, /not letters/);
  await fails('Snapshot', { container_id: id, name: 'twice' }, CODES.exists, /remedy: /);
  await fails('Snapshot', { container_id: id, ttl: 'x' }, CODES.invalid, /ttl x/);
  await fails('Snapshot', { container_id: id, lease: 'x' }, CODES.invalid, /lease x/);
  await fails('Snapshot', { container_id: id, share: 'a/b/c' }, CODES.invalid, /share/);
  await fails('Diff', {}, CODES.invalid, /first is empty/);
  await fails('Diff', { first: 'nobody' }, CODES.notFound, /nobody/);
  await fails('Fork', { source: 'twice', count: 1001 }, CODES.invalid, /^count 1001: not a num/);
  await fails('Fork', { source: 'twice', net: 'x' }, CODES.invalid, /^net x: not same, none/);
  await fails('Fork', { source: 'twice', count: 2, name: 'x' }, CODES.invalid, /need \{n\}/);
  await fails('Rollback', { container_id: 'nobody' }, CODES.notFound, /nobody/);
  await fails('Remove', {}, CODES.invalid, /ids/);
  await t.throwsAsync(service.client.ask('Inspect', { ids: ['no-such'] }), {
    message: /5 NOT_FOUND: no VAS 'no-such'/,
  });
  await succeed(t, 'rm', 'twice');
  await remove(t, id);
});

/** Waits until nothing is left of snapshots: no memory, no directory on its way, no files in containerd, no lease. */
async function assertNoTrace(t: ExecutionContext, why: string): Promise<void> {
  const traces = async (): Promise<string[]> => {
    await daemon().collect();
    const files = (await daemon().ctr(['snapshots', 'ls'])).match(/^mvas-\S+/gm) ?? [];
    const leases = (await daemon().ctr(['leases', 'ls'])).match(/^mvas-\S+/gm) ?? [];
    return [...(await memory()), ...files, ...leases];
  };
  t.deepEqual(await leftAtLast(traces), [], why);
}

test.serial('a cancelled snapshot leaves no trace', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  let cancelled = 0;
  const early = [0, 10, 25, 40, 60, 80, 120].map((ms) => ['STAGE_CHECKPOINT', ms] as const);
  const late = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10].map((ms) => ['STAGE_KEEP', ms] as const);
  for (const [when, after] of [...early, ...late]) {
    const before = service.endsOf('Snapshot').length;
    await service.client.call(
      'Snapshot',
      { container_id: id, name: 'never' },
      {
        heard: ({ stage }, cancel) => {
          if (stage === when) setTimeout(cancel, after);
        },
      },
    );
    const ends = () => Promise.resolve(service.endsOf('Snapshot').slice(before));
    const [hasFailed] = await until('its end', async () => (await ends()).length > 0 && ends());
    // It may have been done before it heard of the cancel: then the snapshot is there, and whole.
    if (hasFailed === false) await succeed(t, 'rm', 'never');
    else cancelled += 1;
    await assertNoTrace(t, `${when}, ${String(after)} ms`);
    await assertAlive(t, pid, birth);
  }
  t.log(`${String(cancelled)} of ${String(early.length + late.length)} in time`);
  t.true(cancelled >= 5, String(cancelled));
  await takeSnapshot(t, id, 'never');
  await succeed(t, 'rm', 'never');
  await remove(t, id);
});

test.serial('a deadline ends a call in the middle, which leaves no trace', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const codes: number[] = [];
  for (const deadlineMs of [1, 30, 60, 20_000]) {
    const ended = await service.client.call('Snapshot', { container_id: id }, { deadlineMs });
    codes.push(ended.code);
    if (ended.code === 0) await succeed(t, 'rm', String(done(t, ended, 'snapshot')['id']));
    await assertNoTrace(t, `after ${String(deadlineMs)} ms`);
  }
  t.is(codes[0], CODES.late);
  t.is(codes.at(-1), 0);
  await assertAlive(t, pid, birth);
  await remove(t, id);
});

test.serial('a fork that is cancelled leaves whole clones, or none', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  let isCancelled = false;
  // On a busy machine all may have been made before we have heard of the first.
  for (let tries = 0; tries < MOST_TRIES && !isCancelled; tries += 1) {
    const { code } = await forkCancelled(id);
    isCancelled = code === CODES.cancelled;
    await assertNoTraceBut(t, id);
    const all = (await daemon().ctr(['containers', 'ls', '-q'])).trim().split('\n');
    const left = all.filter((one) => one !== id);
    if (isCancelled) t.true(left.length < CLONES, left.join(' '));
    for (const one of left) {
      await assertAlive(t, (await taskOf(daemon(), one)).pid, birth);
      await remove(t, one);
    }
  }
  t.true(isCancelled);
  await assertAlive(t, pid, birth);
  await remove(t, id);
});

const CLONES = 6;
const MOST_TRIES = 5;

/** Forks a container, and cancels the call when it hears of the first clone. */
async function forkCancelled(id: string): Promise<Ended> {
  const request = { source: id, count: CLONES, name: `${id}-{n}` };
  return await service.client.call('Fork', request, {
    heard: ({ clone }, cancel) => {
      if (clone) cancel();
    },
  });
}

/** Waits until the memory of a fork is gone, and its lease. */
async function assertNoTraceBut(t: ExecutionContext, id: string): Promise<void> {
  await t.notThrowsAsync(
    until('the fork to be undone', async () => {
      const leases = (await daemon().ctr(['leases', 'ls'])).match(/^mvas-\S+/gm) ?? [];
      return leases.length + (await memory()).length === 0;
    }),
    id,
  );
}

test.serial('two calls at once get on', async (t) => {
  const [one, two] = [await begin(t), await begin(t)];
  const ids = [one.id, one.id, two.id];
  const taken = await Promise.all(ids.map((id) => takeSnapshot(t, id)));
  t.is(new Set(taken).size, 3);
  const same = ['same', 'same'].map((name) =>
    service.client.call('Snapshot', { container_id: two.id, name }),
  );
  const codes = (await Promise.all(same)).map(({ code }) => code).sort();
  t.deepEqual(codes, [0, CODES.exists], 'one name goes to one of them');
  const forks = ['p', 'q'].map((word) =>
    service.client.call('Fork', { source: taken[0], count: 2, name: `${word}-{n}` }),
  );
  for (const ended of await Promise.all(forks)) {
    t.is(ended.messages.filter(({ clone }) => clone).length, 2, JSON.stringify(ended));
  }
  for (const id of ['p-1', 'p-2', 'q-1', 'q-2', one.id, two.id]) await remove(t, id);
  await succeed(t, 'rm', ...taken, 'same');
});

test.serial('whoever makes and removes snapshots, a watch tells', async (t) => {
  const { id } = await begin(t);
  const present = await takeSnapshot(t, id, 'present');
  const heard: string[] = [];
  let end: () => void = () => undefined;
  const watch = service.client.call(
    'Watch',
    { namespace: daemon().namespace },
    {
      heard: ({ change, vas }, cancel) => {
        end = cancel;
        const { name, holder_pid: holder } = vas as { name: string; holder_pid?: number };
        heard.push(`${String(change).slice('CHANGE_'.length)} ${name}`);
        if (name === 'lost' && change === 'CHANGE_BEGUN') process.kill(holder ?? 0, 'SIGKILL');
      },
    },
  );
  const expect = async (line: string) => {
    await t.notThrowsAsync(
      until(line, () => Promise.resolve(heard.includes(line))),
      heard.join(', '),
    );
  };
  await expect('PRESENT present');
  await succeed(t, 'snapshot', '--name', 'begun', id);
  await expect('BEGUN begun');
  await succeed(t, 'rm', 'begun', present);
  await expect('ENDED begun');
  await expect('ENDED present');
  await takeSnapshot(t, id, 'lost');
  await expect('LOST lost');
  end();
  t.is((await watch).code, CODES.cancelled);
  await succeed(t, 'prune');
  t.deepEqual(await memory(), []);
  await remove(t, id);
});

test.serial('another service is refused, and what a killed one leaves is replaced', async (t) => {
  await t.throwsAsync(MvasService.start(daemon()), {
    message: /mvas serve: listen on .*mvas\.sock: another service does; remedy: /,
  });
  t.deepEqual(await service.client.ask('List', {}), {});
  await service.end('SIGKILL');
  t.true(existsSync(service.path));
  service = await MvasService.start(daemon());
  t.deepEqual(await service.client.ask('List', {}), {});
});

test.serial('SIGTERM lets calls end', async (t) => {
  const { id } = await begin(t);
  const watch = service.client.call('Watch', {});
  let ending: Promise<number | null> | undefined;
  const ended = await service.client.call(
    'Snapshot',
    { container_id: id, name: 'last' },
    {
      heard: ({ stage }) => {
        if (stage === 'STAGE_CHECKPOINT') ending = service.end();
      },
    },
  );
  t.is(ended.code, 0, ended.details);
  t.is((await watch).code, CODES.unavailable);
  t.is(await ending, 0);
  t.false(existsSync(service.path));
  t.regex(await failure(t, 'rollback', 'nobody'), /nobody/, 'the command needs no service');
  await succeed(t, 'rm', 'last');
  service = await MvasService.start(daemon());
  await delay(1);
  t.is(await service.end(), 0, 'an idle one ends at once');
  await remove(t, id);
});

leavesNothingBehind();
