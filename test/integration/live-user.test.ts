// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { REPOSITORY } from '../helpers/paths.js';
import { mvasEngine } from '../helpers/targets-engine.js';
import { TargetRun } from '../helpers/targets-run.js';

/** A restored container runs as the user that its own spec names, whoever the checkpointed one ran as. */
const TARGETS = join(REPOSITORY, 'test/targets');
const USER = { uid: 1000, gid: 1001, additionalGids: [50] };

test('a checkpoint of root is not restored into a container of another user', async (t) => {
  const run = newTree(t);
  const root = { uid: 0, gid: 0 };
  t.is(await run.start(), 'READY');
  const { imagePath, result } = await run.checkpoint(false);
  t.is(result.status, 0, result.stderr);

  setUser(run.place.bundle, USER);
  const message =
    /runs as user 0, and the new container as user 1000; remedy: give the container the process\.user/;
  await t.throwsAsync(run.restore(imagePath), { message });
  setUser(run.place.bundle, root);
  await run.restore(imagePath);
  t.is(await run.go(), 'PASS');
});

test('a checkpoint of a user is restored into a container of that user', async (t) => {
  const run = newTree(t);
  setUser(run.place.bundle, USER);
  t.is(await run.start(), 'READY');
  const before = await run.view();
  t.is(before.facts.get('1.thread.1.Uid')?.split('\t')[0], '1000');
  const { imagePath, result } = await run.checkpoint(false);
  t.is(result.status, 0, result.stderr);

  setUser(run.place.bundle, { ...USER, additionalGids: [] });
  await t.throwsAsync(run.restore(imagePath), {
    message: /runs as group 50, and the new container/,
  });
  setUser(run.place.bundle, USER);
  await run.restore(imagePath);
  t.deepEqual(await run.compare(before), []);
  t.is(await run.go(), 'PASS');
});

test('an init that became another user by a setuid program is refused, and goes on', async (t) => {
  const run = newTree(t);
  setUser(run.place.bundle, USER);
  const program = join(run.place.bundle, 'rootfs/target');
  chmodSync(program, 0o4755);
  t.is(await run.start(), 'READY');
  const { result } = await run.checkpoint(false);
  t.not(result.status, 0);
  t.regex(
    result.stderr,
    /pid 1 \(target\): runs as user 0, and the new container as user 1000; remedy: /,
  );
  t.is(await run.go(), 'PASS');
});

/** A container that has not been started. */
function newTree(t: ExecutionContext): TargetRun {
  t.timeout(120_000);
  execFileSync('make', ['-s', '-C', TARGETS, 'build/process_tree'], { stdio: 'inherit' });
  const target = {
    name: 'process_tree',
    needs: [],
    expect: { kind: 'restore' },
    varies: [],
  } as const;
  const run = new TargetRun(target, mvasEngine(REPOSITORY), join(TARGETS, 'build', target.name));
  t.teardown(() => run.close(!t.passed));
  return run;
}

interface User {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids?: readonly number[];
}

function setUser(bundle: string, user: User): void {
  const path = join(bundle, 'config.json');
  const spec = JSON.parse(readFileSync(path, 'utf8')) as { process: { user: User } };
  spec.process.user = user;
  writeFileSync(path, JSON.stringify(spec));
}
