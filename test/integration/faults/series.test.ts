// SPDX-License-Identifier: Apache-2.0
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { VasId } from '../../../src/common/ids.js';
import { Series } from '../../../src/criu/index.js';
import { parentDirectory } from '../../../src/criu/vas/vas-cgroup.js';
import { hasAsyncWriteTracking } from '../../../src/native/kernel-facts.js';
import { until } from '../../helpers/run.js';
import { Counter, listed, mvas, textOf, Yard } from './harness.js';
import { takeMember, type Member } from './in-series.js';
import { PROGRAMS, randomNumbers, recordOf, wishesOf } from './instants.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/**
 * Series of checkpoints of a program that changes its memory all the time, and restores of them in any order: the program
 * detects memory that is not of one instant. MVAS_PRE_COPY_SECONDS is the duration of each test, MVAS_PRE_COPY_SEED the
 * seed.
 */
const { seconds: SECONDS, seed: SEED } = wishesOf('PRE_COPY');
const MOST = 8;

const run = hasAsyncWriteTracking() ? test.serial : test.serial.skip;
const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

for (const [how, settings] of Object.entries(PROGRAMS)) {
  run(
    `each of a series is of one instant, memory is written to ${how}, seed ${String(SEED)}`,
    (t) => takeSeries(t, settings),
  );
}

async function takeSeries(t: ExecutionContext, settings: readonly string[]): Promise<void> {
  t.timeout(180_000 + SECONDS * 5_000);
  const env = [`SEED=${String(SEED)}`, ...settings];
  const churn = new Counter(yard, { binary: yard.compile('churn'), env });
  t.teardown(() => churn.close(!t.passed));
  await churn.start();
  const random = randomNumbers(SEED);
  const end = performance.now() + SECONDS * 1000;
  const told = { checkpoints: 0, forked: 0, restores: 0, copied: 0, bytes: 0 };
  while (performance.now() < end) {
    const members = await takeSome(t, churn, random);
    for (const { id } of members) {
      const { origin, copied, bytes } = recordOf(yard, id);
      told.checkpoints++;
      if (origin === undefined) continue;
      told.forked++;
      told.copied += Number(copied);
      told.bytes += Number(bytes);
    }
    while (members.length > 0) {
      const [one] = members.splice(Math.floor(random() * members.length), 1);
      if (!one) break;
      if (random() < 0.3 && members.length > 0) {
        await mvas(['rm', '--force', one.id]);
        continue;
      }
      await restore(churn, one);
      told.restores++;
      await t.notThrowsAsync(churn.countsOn(2n), 'goes on from its checkpoint');
      await mvas(['rm', '--force', one.id]);
    }
  }
  t.is(await churn.run.go(), 'PASS');
  t.log(JSON.stringify(told));
  t.true(told.forked > 0, 'checkpoints start from those before them');
}

/** Some of a series, of which one or the other is removed at once. */
async function takeSome(
  t: ExecutionContext,
  churn: Counter,
  random: () => number,
): Promise<Member[]> {
  const series = new Series(churn.id);
  const members: Member[] = [];
  for (let i = 0; i < MOST; i++) {
    await delay(random() * 300);
    members.push(await takeMember(churn, series));
    await t.notThrowsAsync(churn.countsOn(1n), 'goes on beside its checkpoint');
    if (random() < 0.7) continue;
    const [gone] = members.splice(Math.floor(random() * members.length), 1);
    if (gone) await mvas(['rm', '--force', gone.id]);
  }
  series.end('the test is over');
  return members;
}

async function restore(container: Counter, { imagePath }: Member): Promise<void> {
  await container.delete();
  await container.run.restore(imagePath);
}

interface Taken extends Member {
  readonly origin: unknown;
}

/** A counter, and the series of its checkpoints. */
async function counting(t: ExecutionContext, megabytes: number) {
  const counter = new Counter(yard, megabytes);
  const series = new Series(counter.id);
  t.teardown(async () => {
    series.end('the test is over');
    await counter.close(!t.passed);
  });
  await counter.start();
  const take = async (): Promise<Taken> => {
    await counter.countsOn();
    const member = await takeMember(counter, series);
    return { ...member, origin: recordOf(yard, member.id)['origin'] };
  };
  /** Its file goes on meanwhile: from the first restore it is learned what it has to say. */
  const restoreAt = async (member: Member) => {
    await restore(counter, member);
    const failure = () => counter.run.said.map((line) => /expected (\d+), got/.exec(line)?.[1]);
    await until('the counter to miss its count', () => Promise.resolve(failure().some(Boolean)));
    counter.setCount(BigInt(failure().find(Boolean) ?? 0));
    await restore(counter, member);
    await t.notThrowsAsync(counter.countsOn());
  };
  return { counter, series, take, restoreAt };
}

run(
  'one is a whole checkpoint if the last one is gone, or its writes are not tracked',
  async (t) => {
    const { counter, series, take, restoreAt } = await counting(t, 16);
    const first = await take();
    const second = await take();
    t.deepEqual([first.origin, second.origin], [undefined, first.id]);
    await mvas(['rm', '--force', second.id]);
    const third = await take();
    t.is(third.origin, undefined, 'the last one has been removed');
    const fourth = await take();
    t.is(fourth.origin, third.id);
    process.kill(await holderOf(fourth.id), 'SIGKILL');
    const fifth = await take();
    t.is(fifth.origin, undefined, 'the last one has no memory');
    series.end('the test says so');
    t.false(await isTracked(counter));
    const sixth = await take();
    t.is(sixth.origin, undefined);
    t.true(await isTracked(counter));
    for (const one of [third, sixth, first, fifth]) {
      await restoreAt(one);
      t.false(await isTracked(counter));
    }
    for (const { id } of [first, third, fourth, fifth, sixth]) await mvas(['rm', '--force', id]);
  },
);

run('one that is canceled ends the series, and the container goes on', async (t) => {
  const { counter, series, take } = await counting(t, 16);
  const first = await take();
  const abort = new AbortController();
  abort.abort();
  await t.throwsAsync(takeMember(counter, series, abort.signal));
  t.false(await isTracked(counter));
  await counter.countsOn();
  const second = await take();
  t.is(second.origin, undefined);
  for (const { id } of [first, second]) await mvas(['rm', '--force', id]);
});

run('ten of 256 MiB take the memory of one, and of the pages written to', async (t) => {
  const { take, restoreAt } = await counting(t, 256);
  const members: Taken[] = [];
  for (let i = 0; i < 10; i++) members.push(await take());
  const bytes = members.map(({ id }) => usageOf(id));
  t.log(bytes.map((one) => Math.round(one / 1024)).join(' '), 'KiB');
  t.log(members.map(({ result }) => Math.round(result.frozenMs)).join(' '), 'ms');
  t.true(Math.max(...bytes.slice(1)) < 16 << 20);
  for (const at of [4, 0, 9]) {
    const one = members[at];
    if (one) await restoreAt(one);
  }
  for (const { id } of members) await mvas(['rm', '--force', id]);
});

run('what a series has marked is not taken for unchanged by a pre-copy after it', async (t) => {
  process.env['MVAS_PRE_COPY'] = 'always';
  t.teardown(() => Reflect.deleteProperty(process.env, 'MVAS_PRE_COPY'));
  const program = new Counter(yard, { binary: yard.compile('marks'), env: ['MARKS=1'] });
  t.teardown(() => program.close(!t.passed));
  await program.start();
  const orders = async (name: string): Promise<void> => {
    const file = join(program.run.place.bundle, 'rootfs/data', name);
    writeFileSync(file, '');
    await until(`the program to ${name}`, () => Promise.resolve(!existsSync(file)));
  };
  await orders('hold');
  const series = new Series(program.id);
  await takeMember(program, series);
  // The kernel no longer tracks memory to which its neighbour has been joined, and leaves the marks of its pages.
  await orders('move');
  await program.countsOn(2n);
  series.end('the test says so');
  const { imagePath, result } = await program.run.checkpoint(false);
  t.is(result.status, 0, result.stderr);
  await program.run.restore(imagePath);
  await t.notThrowsAsync(program.countsOn(2n), 'goes on from its checkpoint');
  t.is(await program.run.go(), 'PASS');
});

/** Whether the writes of a container's init are tracked. */
async function isTracked(counter: Counter): Promise<boolean> {
  const smaps = textOf(`/proc/${String(await counter.run.initPid())}/smaps`);
  return /^VmFlags:.* uw( |$)/m.test(smaps);
}

async function holderOf(id: VasId): Promise<number> {
  const found = (await listed()).find((vas) => vas.id === id);
  return found?.holderPid ?? Number.NaN;
}

/** Bytes that the cgroup of a VAS is charged for. */
function usageOf(id: VasId): number {
  const directory = join(parentDirectory() ?? '', id);
  const names = ['memory.usage_in_bytes', 'memory.current'].map((name) => join(directory, name));
  return Number(textOf(names.find((name) => existsSync(name)) ?? ''));
}
