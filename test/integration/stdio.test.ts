// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { REPOSITORY } from '../helpers/paths.js';
import { mvasEngine } from '../helpers/targets-engine.js';
import type { OutputKind } from '../helpers/targets-output.js';
import { TargetRun } from '../helpers/targets-run.js';

/** stdio of restored containers: its owner, and that a further checkpoint recognizes it. */
const TARGETS = join(REPOSITORY, 'test/targets');
const USER = { uid: 1000, gid: 1001 };
const ROOT = { uid: 0, gid: 0 };

for (const kind of ['fifo', 'pipe'] as const) {
  for (const user of [USER, ROOT]) {
    test(`a ${kind} as stdout belongs to user ${String(user.uid)} after restores`, (t) =>
      restoresTwice(t, { name: 'stdout_again', kind, user }));
  }
  test(`a ${kind} as stdout is known under another number after restores`, (t) =>
    restoresTwice(t, { name: 'stdio_elsewhere', kind, user: ROOT }));
}

interface Case {
  readonly name: string;
  readonly kind: OutputKind;
  readonly user: typeof USER;
}

async function restoresTwice(t: ExecutionContext, { name, kind, user }: Case): Promise<void> {
  t.timeout(120_000);
  execFileSync('make', ['-s', '-C', TARGETS, `build/${name}`], { stdio: 'inherit' });
  const target = { name, needs: [], expect: { kind: 'restore' }, varies: [] } as const;
  const binary = join(TARGETS, 'build', name);
  const run = new TargetRun(target, mvasEngine(REPOSITORY), binary, { kind });
  t.teardown(() => run.close(!t.passed));
  setUser(run.place.bundle, user);
  t.is(await run.start(), 'READY');
  for (let i = 0; i < 2; i++) {
    const { imagePath, result } = await run.checkpoint(false);
    t.is(result.status, 0, result.stderr);
    await run.restore(imagePath);
  }
  t.is(await run.go(), 'PASS');
}

function setUser(bundle: string, user: typeof USER): void {
  const path = join(bundle, 'config.json');
  const spec = JSON.parse(readFileSync(path, 'utf8')) as { process: { user: typeof USER } };
  spec.process.user = user;
  writeFileSync(path, JSON.stringify(spec));
}
