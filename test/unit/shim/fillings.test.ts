// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { Fillings } from '../../../src/shim/fillings.js';

test('the end waits for work that goes on, however it ends', async (t) => {
  const fillings = new Fillings();
  const order: string[] = [];
  let finish = (): void => undefined;
  fillings.add(
    new Promise<void>((resolve) => (finish = resolve)).then(() => void order.push('work')),
  );
  fillings.add(Promise.reject(new Error('no memory')));
  fillings.add(undefined);
  const ended = fillings.end(60_000).then(() => void order.push('end'));
  setImmediate(finish);
  await ended;
  t.deepEqual(order, ['work', 'end']);
});

test('the end does not wait forever', async (t) => {
  const fillings = new Fillings();
  fillings.add(new Promise(() => undefined));
  await t.notThrowsAsync(fillings.end(1));
});
