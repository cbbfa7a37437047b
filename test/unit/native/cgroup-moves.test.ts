// SPDX-License-Identifier: Apache-2.0
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { beginMoves, expectCgroupMoves } from '../../../src/native/cgroup-moves.js';
import { keepMoving, writeToEach } from '../../../src/native/index.js';
import { until } from '../../helpers/run.js';

const PID = String(process.pid);
const membership = (): string => readFileSync('/proc/self/cgroup', 'utf8');

function temporary(): { readonly directory: string; readonly file: string } {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-moves-'));
  const file = join(directory, 'cgroup.procs');
  writeFileSync(file, '');
  return { directory, file };
}

/** Keeps this thread from everything else. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** How often a pid has been written; a file that is not a cgroup's keeps all of them. */
const countIn = (file: string): number => statSync(file).size / PID.length;

test('moves begin after the work, and end with it', async (t) => {
  const events: string[] = [];
  const begin = (): (() => void) => {
    events.push('begin');
    return () => events.push('end');
  };
  const result = await expectCgroupMoves(async () => {
    events.push('work');
    await sleep(1);
    events.push('done');
    return 'result';
  }, begin);
  t.is(result, 'result');
  t.deepEqual(events, ['work', 'begin', 'done', 'end']);
});

test('moves end with work that fails, whose failure is passed on', async (t) => {
  let ends = 0;
  const work = (): Promise<never> => Promise.reject(new Error('runc failed'));
  const begin = (): (() => void) => () => (ends += 1);
  await t.throwsAsync(expectCgroupMoves(work, begin), { message: 'runc failed' });
  t.is(ends, 1);
});

test('moves go on while this thread is busy, until they are ended', async (t) => {
  const { directory, file } = temporary();
  const end = keepMoving(file, membership(), 1, 1_000_000);
  for (let tries = 0; countIn(file) < 3 && tries < 6_000; tries += 1) block(10);
  t.true(countIn(file) >= 3);
  if (typeof end === 'function') end();
  await until('the last one', () => Promise.resolve(openTo(file).length === 0));
  const count = countIn(file);
  await sleep(50);
  t.is(countIn(file), count);
  rmSync(directory, { recursive: true });
});

/** Descriptors of this process that lead to a file. */
function openTo(file: string): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file;
    } catch {
      return false; // That of the folder.
    }
  });
}

test('the file is closed when moves have ended', async (t) => {
  const { directory, file } = temporary();
  const ends = [keepMoving(file, membership(), 1, 1_000_000), keepMoving(file, membership(), 1, 1)];
  for (const end of ends) if (typeof end === 'function') end();
  await until('it to be closed', () => Promise.resolve(openTo(file).length === 0));
  t.pass();
  rmSync(directory, { recursive: true });
});

test('so many moves are made at most', async (t) => {
  const { directory, file } = temporary();
  keepMoving(file, membership(), 1, 3);
  await until('three moves', () => Promise.resolve(countIn(file) >= 3));
  await sleep(50);
  t.is(countIn(file), 3);
  rmSync(directory, { recursive: true });
});

test('a process that has been moved elsewhere stays there', async (t) => {
  const { directory, file } = temporary();
  keepMoving(file, `${membership()}0::/elsewhere\n`, 1, 3);
  keepMoving(file, membership().slice(0, -2), 1, 3);
  await sleep(100);
  t.is(countIn(file), 0);
  rmSync(directory, { recursive: true });
});

test('what cannot be opened is told', (t) => {
  t.is(keepMoving('/nowhere/cgroup.procs', '', 1, 1), -2);
});

test('this process stays in its cgroups', async (t) => {
  const before = membership();
  const end = beginMoves();
  await sleep(30);
  end();
  t.is(membership(), before);
});

test('a text is written to each file, up to the first failure', async (t) => {
  const { directory, file } = temporary();
  const [first, missing, last] = ['first', 'missing', 'last'].map((name) => join(directory, name));
  for (const name of [first, last]) writeFileSync(name ?? '', '');
  const write = async (...names: (string | undefined)[]): Promise<number[]> => [
    ...(await writeToEach(
      names.map((name) => name ?? ''),
      PID,
    )),
  ];
  t.deepEqual(await write(file, first), [2, 0]);
  t.deepEqual([file, first ?? ''].map(countIn), [1, 1]);
  t.deepEqual(await write(first, missing, last), [1, -2]);
  t.is(countIn(last ?? ''), 0);
  rmSync(directory, { recursive: true });
});
