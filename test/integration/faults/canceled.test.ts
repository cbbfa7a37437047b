// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { asHostPid } from '../../../src/common/ids.js';
import { freeze, isFrozen, thaw } from '../../../src/common/cgroup.js';
import { hostNamesOf } from '../../../src/common/host-names.js';
import { mountPlacesOf } from '../../../src/common/mount-places.js';
import { checkpoint, listVases, readSpec } from '../../../src/criu/index.js';
import { BIN } from '../../helpers/paths.js';
import { residentMemory } from '../../helpers/procfs.js';
import { until } from '../../helpers/run.js';
import { differences } from '../../helpers/targets-view.js';
import { Counter, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/** A checkpoint that is canceled while memory is copied. */
const MEGABYTES = 400;
const BEGUN_BYTES = 40 * 2 ** 20;

const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

for (const leaveRunning of [true, false]) {
  for (const wasFrozen of [true, false]) {
    const found = wasFrozen ? 'frozen' : 'running';
    const wish = leaveRunning ? 'leave it so' : 'end it';

    test.serial(`a container found ${found}, by a checkpoint that is to ${wish}`, async (t) => {
      const counter = new Counter(yard, MEGABYTES);
      t.teardown(() => counter.close(!t.passed));
      await counter.start();
      const before = await counter.run.view();
      const cgroup = await counter.cgroup();
      if (wasFrozen) await freeze(cgroup);
      const imagePath = counter.newImage();
      const abort = new AbortController();
      const spec = readSpec(counter.run.place.bundle);
      const work = checkpoint({
        containerId: counter.id,
        initPid: asHostPid(await counter.run.initPid()),
        imagePath,
        leaveRunning,
        tmpfsMounts: [],
        spec,
        mountPlaces: mountPlacesOf(spec),
        hostNames: hostNamesOf(spec),
        signal: abort.signal,
      });
      const holderPid = await until('a holder', async () => (await listVases())[0]?.holder?.pid);
      const hasBegun = async () => (await residentMemory(holderPid)).now > BEGUN_BYTES;
      await until('the copy to begin', hasBegun, { everyMs: 1 });
      abort.abort();
      await t.throwsAsync(work, { message: /canceled/ });
      t.is(isFrozen(cgroup), wasFrozen);
      t.false(existsSync(imagePath));
      t.deepEqual(await listVases(), []);
      if (wasFrozen) thaw(cgroup);
      await counter.countsOn();
      t.deepEqual(differences(before, await counter.run.view(), []), []);
      t.is(await counter.run.go(), 'PASS');
    });
  }
}

test.serial('a signal cancels the command that checkpoints', async (t) => {
  const counter = new Counter(yard, MEGABYTES);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  const imagePath = counter.newImage();
  const child = spawn(`${BIN}/mvas`, counter.checkpointArgs(imagePath, false), {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const exit = once(child, 'exit');
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  await until('a VAS', async () => (await listVases()).length > 0, { everyMs: 5 });
  process.kill(-(child.pid ?? 0), 'SIGINT'); // To the whole group, as a key does.
  t.deepEqual(await exit, [1, null]);
  t.deepEqual(await said, ['', `mvas checkpoint: checkpoint ${counter.id}: canceled\n`]);
  t.false(existsSync(imagePath));
  t.deepEqual(await listVases(), []);
  await counter.countsOn();
  t.is(await counter.run.go(), 'PASS');
});
