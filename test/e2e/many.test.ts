// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { DEFAULT_SOCKET_DIR, socketPath } from '../../src/common/daemon-socket.js';
import { RUNTIME } from '../helpers/containers.js';
import { leftAtLast } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { daemon, leavesNothingBehind, useContainerd } from './context.js';

const COUNT = Number(process.env['MVAS_MANY'] ?? 200);
const AT_ONCE = 8;

useContainerd([COUNTER.archive]);

test.serial(`${COUNT} containers come and go, and nothing is left of any`, async (t) => {
  t.timeout(900_000);
  const { directory, snapshotter, namespace, address } = daemon();
  const fifos = join(directory, 'fifos');
  mkdirSync(fifos);
  const flags = ['--snapshotter', snapshotter, '--runtime', RUNTIME, '--fifo-dir', fifos];
  const ids = Array.from({ length: COUNT }, (_, index) => daemon().uniqueId(`many-${index}`));
  const waiting = [...ids];
  const failures: string[] = [];
  const withoutOutput: string[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        const command = ['run', '--rm', ...flags, COUNTER.image, id, 'echo', id];
        const { code, stdout, stderr } = await daemon().tryCtr(command);
        if (code !== 0) failures.push(`${id}: ${code} ${stdout}${stderr}`);
        if (stdout !== `${id}\n`) withoutOutput.push(id);
      }
    }),
  );
  t.deepEqual(failures, []);
  t.deepEqual(withoutOutput, []);
  t.deepEqual(readdirSync(fifos), []);
  for (const place of [
    'state/io.containerd.runtime.v2.task',
    'root/io.containerd.runtime.v2.task',
  ]) {
    const path = join(directory, place, namespace);
    t.deepEqual(existsSync(path) ? readdirSync(path) : [], []);
  }
  const sockets = ids.map((id) => socketPath(DEFAULT_SOCKET_DIR, address, namespace, id));
  const left = () => Promise.resolve(sockets.filter((path) => existsSync(path)));
  t.deepEqual(await leftAtLast(left), []);
});

leavesNothingBehind();
