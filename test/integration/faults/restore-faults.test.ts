// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { RESTORE_STAGES } from '../../../src/criu/stages.js';
import { leftAtLast } from '../../helpers/run.js';
import { Counter, listed, mvas, Yard } from './harness.js';
import { hashHolder } from './holder-memory.js';
import {
  childrenOf,
  containerCgroups,
  list,
  mountsBelow,
  parentOf,
  vasLeftoversInTheEnd,
} from './leftovers.js';

/**
 * A restore that fails after a stage leaves nothing behind, and its VAS byte for byte as it was: the next one works.
 * One that is killed leaves only what `runc delete --force` and the next restore remove.
 */
const STAGES = Object.keys(RESTORE_STAGES).filter((stage) => stage !== 'release');
const GONE_TIMEOUT_MS = 10_000;

const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

const KINDS = [
  { isKilled: false, sharesPids: false },
  { isKilled: true, sharesPids: false },
  { isKilled: false, sharesPids: true },
  { isKilled: true, sharesPids: true },
];

for (const { isKilled, sharesPids } of KINDS) {
  const where = sharesPids ? ' in the pid namespace of a pod' : '';
  const what = isKilled ? 'is killed' : 'fails';
  test.serial(`a restore that ${what} leaves nothing${where}`, async (t) => {
    t.timeout(120_000);
    const program = { binary: yard.binary, env: ['MEGABYTES=1'], sharesPids };
    const counter = new Counter(yard, program);
    t.teardown(() => counter.close(!t.passed));
    await counter.start();
    const imagePath = counter.newImage();
    const { status, stderr } = await mvas(counter.checkpointArgs(imagePath, false));
    t.is(status, 0, stderr);
    await counter.delete();
    const [vas] = await listed();
    const holder = vas?.holderPid ?? 0;
    const hash = hashHolder(holder);
    for (const stage of STAGES) {
      counter.run.renewPod(); // Nobody may have reaped what was killed.
      await failAfter(t, counter, { stage, isKilled, imagePath });
      const after = await traces(counter, holder);
      t.deepEqual(after, [], `${stage}: nothing is left`);
      const others = await leftAtLast(() => Promise.resolve(counter.run.othersInPod()));
      t.deepEqual(others, [], `${stage}: nothing is left in the pod`);
      t.is(hashHolder(holder), hash, `${stage}: the VAS is as it was`);
    }
    t.is(mountsBelow(counter.run.folder).length, 0, 'no mount is left');
    await counter.run.restore(imagePath);
    await counter.countsOn();
    t.deepEqual(donorsIn(counter), [], 'no donor is left in the bundle');
    t.is(await counter.run.go(), 'PASS');
    t.is(hashHolder(holder), hash, 'a restored container does not change its VAS');
  });
}

interface Case {
  readonly stage: string;
  readonly isKilled: boolean;
  readonly imagePath: string;
}

async function failAfter(t: ExecutionContext, counter: Counter, fault: Case): Promise<void> {
  const { stage, isKilled, imagePath } = fault;
  const args = counter.restoreArgs(imagePath);
  const result = await mvas(args, { fault: isKilled ? `${stage}:kill` : stage });
  t.not(result.status, 0, stage);
  if (!isKilled) t.regex(result.stderr, /fault injected/, stage);
  else await counter.delete();
}

/** What a restore left: processes, a state of runc, cgroups, a donor. */
async function traces(counter: Counter, holder: number): Promise<string[]> {
  const find = (): string[] => [
    ...childrenOf(parentOf(holder))
      .filter((pid) => pid !== holder)
      .map((pid) => `pid ${String(pid)}`),
    ...[join(counter.run.place.runcRoot, counter.id)].filter((path) => existsSync(path)),
    ...containerCgroups(counter.id),
  ];
  const end = performance.now() + GONE_TIMEOUT_MS;
  while (find().length > 0 && performance.now() < end) await delay(5);
  return find();
}

function donorsIn(counter: Counter): string[] {
  return list(counter.run.place.bundle).filter((name) => name.startsWith('.mvas'));
}
