// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import type { FilesImage } from '../../../src/criu/resources/files/index.js';
import { comparable } from './comparable.js';
import { dumpImage, FilesBench } from './harness.js';

interface Restored {
  readonly before: FilesImage;
  readonly after: FilesImage;
}

/** Opens files of a kind, dumps them, ends the process, restores them in another, dumps again. */
async function roundTrip(t: ExecutionContext, kind: string): Promise<Restored> {
  const bench = new FilesBench();
  t.teardown(() => bench.dispose());
  const original = await bench.open(kind);
  const before = dumpImage([original]);
  t.deepEqual(comparable(dumpImage([original]), original), comparable(before, original));
  await bench.end(original);
  await bench.restore(before);
  const after = dumpImage([original]);
  t.deepEqual(comparable(after, original), comparable(before, original));
  return { before, after };
}

for (const kind of ['regular', 'ghost', 'pipes', 'events', 'unix', 'inet', 'memory', 'locks']) {
  test(`a process gets its files back: ${kind}`, async (t) => {
    const { before, after } = await roundTrip(t, kind);
    t.is(after.files.length, before.files.length);
    t.true(before.files.length > 3);
  });
}

test('what cannot be restored is refused, all of it in one error', async (t) => {
  const bench = new FilesBench();
  t.teardown(() => bench.dispose());
  const pid = await bench.open('refused');
  const error = t.throws(() => dumpImage([pid]), { instanceOf: ShimError });
  t.is(error.kind, 'failedPrecondition');
  for (const word of ['net:[', 'terminal', 'packet mode', 'TCP connection', 'accepted', 'links']) {
    t.true(error.message.includes(word), `${word} in ${error.message}`);
  }
  t.true(error.message.includes(`pid ${String(pid)} fd 3`));
});
