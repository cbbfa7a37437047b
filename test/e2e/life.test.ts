// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkpointContainer, removeImage } from '../helpers/containers.js';
import { vasesOf, vasRoot } from '../helpers/containerd-cleanup.js';
import { EventLog } from '../helpers/event-log.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, begin, failure, succeed } from './counters.js';

const folder = mkdtempSync(join(tmpdir(), 'mvas-life-'));
const CONFIG = join(folder, 'config.toml');
process.env['MVAS_CONFIG'] = CONFIG; // Of this test's commands, and of its shims.

useContainerd([COUNTER.archive]);

test.afterEach.always(() => {
  rmSync(CONFIG, { force: true });
});

test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

function configure(text: string): void {
  writeFileSync(CONFIG, text);
}

interface Listed {
  readonly id: string;
  readonly bytes: number;
  readonly kept: readonly string[];
}

async function list(t: ExecutionContext): Promise<readonly Listed[]> {
  return JSON.parse(await succeed(t, 'ls', '--json')) as Listed[];
}

async function keptOf(t: ExecutionContext, id: string): Promise<string> {
  return (await list(t)).find((vas) => vas.id === id)?.kept.join('; ') ?? 'gone';
}

/** Waits until a VAS has ended by itself; resolves with the reason that was logged. */
async function ended(id: string): Promise<string> {
  return await until(`VAS ${id} to end`, async () => {
    if ((await vasesOf(daemon())).some((other) => other === id)) return false;
    const path = join(vasRoot(daemon()), 'ended.log');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
    const all = lines.map((line) => JSON.parse(line) as { id: string; why: string });
    return all.find((line) => line.id === id)?.why ?? false;
  });
}

/** Checkpoints a container, which goes on, into a directory. */
async function checkpointTo(
  t: ExecutionContext,
  id: string,
  directory: string,
  ...options: readonly string[]
): Promise<string> {
  const root = ['--runc-root', `/run/containerd/runc/${daemon().namespace}`];
  const how = ['--leave-running', '--image-path', directory];
  return await succeed(t, 'checkpoint', ...how, ...root, ...options, id);
}

test.serial('a snapshot ends when it has not been used for its time, and is told of', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const events = await EventLog.open(daemon());
  t.teardown(() => {
    events.close();
  });
  // Long enough for the commands up to the first use, even on a busy machine.
  const snapshot = await succeed(t, 'snapshot', '--ttl', '15s', id);
  t.regex(await keptOf(t, snapshot), /^for (\d+s|a moment)$/);
  const clone = `${id}-1`;
  await succeed(t, 'fork', '--name', clone, snapshot);
  t.regex(await keptOf(t, snapshot), /^used by 1 clone; for /);
  await new Promise((resolve) => setTimeout(resolve, 17_000));
  t.regex(await keptOf(t, snapshot), /^used by 1 clone; for /, 'a clone lives');
  await remove(t, clone);
  t.is(await ended(snapshot), 'it has not been used for 15 s');
  await until('an event', () => {
    const told = events.events.filter(({ topic }) => topic === '/mvas/vas-ended');
    const labels = told.map(({ fields }) => fields['labels'] as Record<string, string>);
    return Promise.resolve(labels.some((each) => each['mvas.vas'] === snapshot));
  });
  const hasFiles = async () => {
    await daemon().collect();
    return /^mvas-/m.test(await daemon().ctr(['snapshots', 'ls']));
  };
  await t.notThrowsAsync(until('its files to go, too', async () => !(await hasFiles())));
  await assertAlive(t, pid, birth);
  await remove(t, id);
});

test.serial('without a word, nothing ends', async (t) => {
  const { id } = await begin(t);
  const image = join(folder, 'kept');
  const vas = await checkpointTo(t, id, image);
  const snapshot = await succeed(t, 'snapshot', id);
  rmSync(image, { recursive: true });
  t.is(await keptOf(t, vas), 'until it is removed');
  t.is(await succeed(t, 'expire'), '');
  t.deepEqual((await list(t)).map((one) => one.id).sort(), [vas, snapshot].sort());
  await succeed(t, 'rm', vas, snapshot);
  t.is(await ended(snapshot), 'it has been removed');
  await remove(t, id);
});

test.serial(
  'a VAS with a lease ends when its vas.json is deleted, not when that moves',
  async (t) => {
    const { id } = await begin(t);
    const image = join(folder, 'leased');
    const vas = await checkpointTo(t, id, image, '--lease', 'image');
    t.is(await keptOf(t, vas), `as long as ${image}/vas.json`);
    renameSync(image, `${image}.moved`);
    t.is(await succeed(t, 'expire'), '');
    t.is((await list(t)).length, 1);
    rmSync(`${image}.moved`, { recursive: true });
    t.is(await ended(vas), 'its image has been removed');
    await remove(t, id);
  },
);

test.serial('one made for content of containerd ends when that is collected', async (t) => {
  configure('[vas]\nlease = "image"\n');
  const { id } = await begin(t);
  const reference = 'mvas.test/life:1';
  await checkpointContainer(daemon(), id, reference);
  const [vas] = await list(t);
  t.is(vas?.kept.join(), 'as long as containerd has its content');
  t.is(await succeed(t, 'expire'), '', 'and it has');
  await removeImage(daemon(), reference);
  await until('containerd to collect it', async () => await succeed(t, 'expire'));
  t.is(await ended(vas?.id ?? ''), 'its image has been removed');
  await remove(t, id);
});

/** A budget for VASes of these sizes, which differ somewhat, and half of another. */
function tooLittleForOneMore(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0) + Math.floor(Math.min(...sizes) / 2);
}

test.serial('a budget makes what has long not been used give way', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const first = await succeed(t, 'snapshot', id);
  const second = await succeed(t, 'snapshot', id);
  const sizes = (await list(t)).map(({ bytes }) => bytes);
  await succeed(t, 'fork', '--name', `${id}-1`, first); // Used, and so is not the one to go.
  configure(`[budget]\nmemory = ${String(tooLittleForOneMore(sizes))}\n`);
  const third = await succeed(t, 'snapshot', id);
  t.is(await ended(second), 'the memory was needed for another one');
  t.deepEqual((await list(t)).map((one) => one.id).sort(), [first, third].sort());
  await succeed(t, 'fork', '--name', `${id}-3`, third);
  const left = (await list(t)).map(({ bytes }) => bytes);
  configure(`[budget]\nmemory = ${String(tooLittleForOneMore(left))}\n`);
  const error = await failure(t, 'snapshot', id);
  t.regex(error, /the VASes of this host have .*the budget is .*remedy: remove VASes/);
  t.regex(error, /only 0 MiB of \d+ MiB are in VASes that nobody uses/);
  t.deepEqual((await list(t)).map((one) => one.id).sort(), [first, third].sort());
  await assertAlive(t, pid, birth);
  for (const name of [`${id}-1`, `${id}-3`, id]) await remove(t, name);
  await succeed(t, 'rm', '--cascade', first, third);
});

test.serial('a checkpoint is refused before memory runs out', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  configure('[budget]\nreserve = "100%"\n');
  const error = await failure(t, 'snapshot', id);
  t.regex(
    error,
    /takes \d+ MiB, and of \d+ MiB that are available on this host \d+ MiB have to be left.*remedy/,
  );
  await assertAlive(t, pid, birth);
  t.deepEqual(await vasesOf(daemon()), []);
  configure('[budget]\nreserve = 1\n');
  t.regex(await failure(t, 'snapshot', id), /config\.toml:2: budget\.reserve is 1, not a share/);
  chmodSync(CONFIG, 0o666);
  t.regex(await failure(t, 'snapshot', id), /config\.toml: others than root may write it/);
  await assertAlive(t, pid, birth);
  await remove(t, id);
});

leavesNothingBehind();
