// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ContainerdApi } from '../../helpers/containerd-api.js';
import { run } from '../../helpers/run.js';
import { extractImage } from '../../helpers/images/extract.js';
import { assertInvariant } from '../../../src/common/errors.js';
import { COUNTER } from '../../helpers/workloads/counter.js';
import { criuDirectory, daemon, leavesNothingBehind, useContainerd } from '../context.js';
import { unknownDifferences } from './compare.js';
import { EventFeed } from './events.js';
import { knownOf, type Release } from './known-differences.js';
import { play, type Stage } from './player.js';
import { GROUPS } from './scenarios/index.js';

const THEIRS = 'io.containerd.runc.v2';
const OURS = 'io.containerd.mvas.v1';

let stage: Stage | undefined;
let release: Release;

const criu = await criuDirectory().catch((error: unknown) => {
  process.stderr.write(`checkpoints are not compared, without CRIU: ${String(error)}\n`);
  return undefined;
});
useContainerd([], { path: criu === undefined ? [] : [criu] });

test.before('prepare a root filesystem and listen to events', async () => {
  release = releaseOf(await run('containerd', ['--version']));
  const rootfs = join(daemon().directory, 'rootfs');
  await mkdir(rootfs);
  await extractImage(await COUNTER.archive(), rootfs);
  const api = await ContainerdApi.withLease(daemon());
  stage = { containerd: daemon(), api, rootfs, events: await EventFeed.open(api) };
});

test.after.always('listen no longer', () => {
  stage?.events.close();
  stage?.api.close();
});

for (const group of GROUPS) {
  for (const scenario of group.scenarios) {
    const title = `${group.name}: ${scenario.title}`;
    const isSkipped = criu === undefined && group.needsCriu === true;
    (isSkipped ? test.serial.skip : test.serial)(title, async (t) => {
      t.timeout(300_000);
      assertInvariant(stage !== undefined, 'the stage is set before the tests');
      const [theirs, ours] = await Promise.all([
        play(stage, scenario, THEIRS),
        play(stage, scenario, OURS),
      ]);
      if (process.env['MVAS_DIFFERENTIAL_SHOW'] !== undefined)
        t.log(...ours.recording, 'THEIRS', ...theirs.recording);
      const found = unknownDifferences(ours.recording, theirs.recording, knownOf(title, release));
      if (found.length > 0) t.log('errors of ours, and theirs:', ours.errors, theirs.errors);
      t.deepEqual(found, [], 'lines of ours alone (-), and of runc.v2 alone (+)');
    });
  }
}

leavesNothingBehind();

function releaseOf(text: string): Release {
  const version = / v?(\d+\.\d+)\.\d+/.exec(text)?.[1];
  const known = (['1.6', '1.7', '2.1'] as const).find((name) => name === version);
  assertInvariant(known !== undefined, `a release that ours is compared with: ${text}`);
  return known;
}
