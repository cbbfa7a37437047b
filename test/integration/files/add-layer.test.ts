// SPDX-License-Identifier: Apache-2.0
import { linkSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { addLayer } from '../../../src/criu/changes/add-layer.js';
import { contentOf, Place, STEPS, take } from '../../helpers/layers.js';

test('a layer over another one shows what both do', async (t) => {
  t.timeout(120_000);
  await fc.assert(
    fc.asyncProperty(STEPS, STEPS, STEPS, async (first, second, third) => {
      const place = new Place(t);
      try {
        const [base, lower, upper, both] = ['base', 'lower', 'upper', 'both'].map((name) =>
          place.folder(name),
        ) as [string, string, string, string];
        for (const step of first) take(base, step);
        for (const step of second) take(place.merge('one', [base], lower), step);
        place.release();
        for (const step of third) take(place.merge('two', [lower, base], upper), step);
        place.release();
        for (const from of [lower, upper]) await addLayer({ from, to: both });
        const [wanted, got] = [
          place.merge('wanted', [upper, lower, base]),
          place.merge('got', [both, base]),
        ].map(contentOf);
        t.deepEqual(got, wanted);
      } finally {
        place.drop();
      }
    }),
    { numRuns: 100 },
  );
});

test('names of one file stay names of one file', async (t) => {
  const place = new Place(t);
  const [from, to] = [place.folder('from'), place.folder('to')];
  mkdirSync(join(from, 'a'));
  writeFileSync(join(from, 'a', 'x'), 'text');
  linkSync(join(from, 'a', 'x'), join(from, 'y'));
  await addLayer({ from, to });
  t.is(statSync(join(to, 'a', 'x')).ino, statSync(join(to, 'y')).ino);
  t.is(statSync(join(to, 'y')).nlink, 2);
});

test('a full disk is named, with a remedy', async (t) => {
  const place = new Place(t);
  const from = place.folder('from');
  const to = place.small('to', '64k');
  writeFileSync(join(from, 'big'), Buffer.alloc(1 << 20, 1));
  const error = await t.throwsAsync(addLayer({ from, to }), { message: /copy \/big of the root/ });
  t.like(error, { kind: 'resourceExhausted' });
  t.regex(error?.message ?? '', new RegExp(`no room on the file system of ${to}.*remedy: make`));
  rmSync(join(to, 'big'), { force: true });
  t.deepEqual(readdirSync(to), []);
});
