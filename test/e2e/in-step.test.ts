// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { runContainer } from '../helpers/containers.js';
import { mvas, type ForkedClone } from '../helpers/mvas-command.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';

const FORKS = Number(process.env['MVAS_FORKS'] ?? 60);
/** Clones of one moment. */
const AT_ONCE = 5;

/** Counts in its memory, in the root filesystem and in a tmpfs; now and then a child writes. */
const SCRIPT = `n=0
while :; do
  n=$((n + 1))
  if [ $((n % 100)) = 0 ]; then /usr/bin/busybox echo $n >> /state; else echo $n >> /state; fi
  echo $n >> /mem/state
  [ $((n % 20)) = 0 ] && sleep 0.02
done`;

useContainerd([COUNTER.archive]);

/** Whole numbers of a file, without a line that is being written. */
function numbersIn(path: string): readonly number[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1).map(Number);
}

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
}

/** Asserts that a file counts from 1 without a gap or a number twice; returns how far. */
function assertCounts(t: ExecutionContext, path: string): number {
  const numbers = numbersIn(path);
  const wrong = numbers.findIndex((number, index) => number !== index + 1);
  t.is(wrong, -1, `${path}: ${numbers.slice(Math.max(0, wrong - 2), wrong + 3).join(' ')}`);
  return numbers.length;
}

/**
 * A clone has to count on from where its memory was: a file of another moment would lack numbers, or have some twice. The
 * tmpfs is written right after the root filesystem, so it is never ahead by more than what is written while both are read.
 */
async function assertInStep(t: ExecutionContext, pid: number, least: number): Promise<void> {
  const root = `/proc/${String(pid)}/root`;
  await until(`the clone ${String(pid)} to count on`, () =>
    Promise.resolve(numbersIn(`${root}/mem/state`).length > least + 20),
  );
  process.kill(pid, 'SIGSTOP');
  await until('the clone to stop', () => Promise.resolve(/^State:\tT/m.test(read(pid, 'status'))));
  const files = assertCounts(t, `${root}/state`);
  const memory = assertCounts(t, `${root}/mem/state`);
  t.true(files === memory || files === memory + 1, `${String(files)}, ${String(memory)}`);
  process.kill(pid, 'SIGCONT');
}

test.serial(`${String(FORKS)} clones under load are in step with their files`, async (t) => {
  t.timeout(600_000);
  const burner = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
  t.teardown(() => burner.kill('SIGKILL'));
  const id = containerId(t, 'source');
  const flags = ['--mount', 'type=tmpfs,src=tmpfs,dst=/mem,options=rw'];
  const args = ['/bin/sh', '-c', SCRIPT];
  const source = await runContainer(daemon(), { id, image: COUNTER.image, flags, args });
  const counter = `/proc/${String(source)}/root/mem/state`;
  await until('the source to count', () => Promise.resolve(existsSync(counter)));
  const counted = () => numbersIn(counter).length;
  for (let made = 0; made < FORKS; made += AT_ONCE) {
    const least = counted();
    const names = ['--count', String(AT_ONCE), '--name', `${id}-${String(made)}-{n}`];
    const { code, stdout, stderr } = await mvas(daemon(), 'fork', '--json', ...names, id);
    t.is(code, 0, stderr);
    const clones = JSON.parse(stdout) as ForkedClone[];
    t.is(clones.length, AT_ONCE);
    const look = async ({ id: clone, pid = 0 }: ForkedClone): Promise<void> => {
      await assertInStep(t, pid, least);
      await remove(t, clone);
    };
    await Promise.all(clones.map(look));
  }
  await assertInStep(t, source, counted());
  await remove(t, id);
});

leavesNothingBehind();
