// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ContainerdApi } from '../../src/containerd/api.js';
import { withLease } from '../../src/containerd/own-lease.js';
import { daemon, leavesNothingBehind, useContainerd } from './context.js';

useContainerd([]);

/** It lasts so much longer than it is renewed because this process, and containerd, may have to wait for a processor. */
const SOON = { lastMs: 8_000, renewMs: 1_000 };
const LATER_MS = 10_000;

function openApi(t: ExecutionContext): ContainerdApi {
  const { address, namespace } = daemon();
  const api = new ContainerdApi({ address, namespace });
  t.teardown(() => {
    api.close();
  });
  return api;
}

async function prepare(api: ContainerdApi, key: string): Promise<void> {
  await api.call('Snapshots/Prepare', { snapshotter: daemon().snapshotter, key, parent: '' });
}

async function snapshots(): Promise<string> {
  return await daemon().ctr(['snapshots', '--snapshotter', daemon().snapshotter, 'ls']);
}

async function leases(): Promise<string[]> {
  const lines = (await daemon().ctr(['leases', 'ls'])).split('\n');
  return lines.filter((line) => line.startsWith('mvas-'));
}

test.serial('a lease is renewed as long as work goes on', async (t) => {
  const api = openApi(t);
  const work = async (): Promise<void> => {
    await prepare(api, 'one');
    await delay(LATER_MS);
    await daemon().collect();
    await prepare(api, 'two');
    await daemon().collect();
    const left = await snapshots();
    for (const key of ['one', 'two']) t.true(left.includes(key), key);
    t.true((await leases()).length <= 3);
  };
  await withLease(api, work, SOON);
  t.deepEqual(await leases(), []);
  await daemon().collect();
  t.false((await snapshots()).includes('one'));
});

test.serial('one that nobody renews ends, with what it kept', async (t) => {
  const api = openApi(t);
  let end: () => void = () => undefined;
  const never = new Promise<void>((resolve) => (end = resolve));
  const unrenewed = { ...SOON, renewMs: 600_000 };
  const work = withLease(
    api,
    async () => {
      await prepare(api, 'lost');
      await never;
    },
    unrenewed,
  );
  await delay(LATER_MS);
  await daemon().collect();
  t.false((await snapshots()).includes('lost'));
  t.deepEqual(await leases(), []);
  end();
  await t.notThrowsAsync(work);
});

leavesNothingBehind();
