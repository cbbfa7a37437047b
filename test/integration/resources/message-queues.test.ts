// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { fileOfCheckout } from '../../../src/common/checkout.js';

const KILLS = 15;
const MESSAGES = 400;
const SCRIPT = fileOfCheckout('dist/test/integration/resources/message-queue-copier.js');

test('an engine that is killed while it copies messages loses none', async (t) => {
  t.timeout(240_000);
  const child = spawn('unshare', ['--ipc', process.execPath, SCRIPT, String(KILLS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const [code] = (await once(child, 'close')) as [number | null];
  t.is(code, 0);
  const all = Array.from(
    { length: MESSAGES },
    (_, index) => `${String(MESSAGES - (index >> 1))}:${String(index)}`,
  );
  t.deepEqual(text.trim().split('\n'), [all.join()]);
});
