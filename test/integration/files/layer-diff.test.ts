// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { diffLayers, type FileDiff } from '../../../src/criu/changes/layer-diff.js';
import { copyTree } from '../../../src/criu/changes/tree-copy.js';
import { writeAttributes } from '../../../src/criu/resources/tmpfs-attributes.js';
import { contentOf, Place, STEPS, take } from '../../helpers/layers.js';

function expected(before: string, after: string): FileDiff[] {
  const [old, young] = [contentOf(before), contentOf(after)];
  const paths = [...new Set([...old.keys(), ...young.keys()])];
  const changes = paths.map((path) => {
    const [was, is] = [old.get(path), young.get(path)];
    const change = was === undefined ? 'added' : is === undefined ? 'deleted' : 'changed';
    return was === is ? [] : [{ path, change } as const];
  });
  return sorted(changes.flat());
}

function sorted(differences: readonly FileDiff[]): FileDiff[] {
  return [...differences].sort((a, b) => (a.path < b.path ? -1 : 1));
}

test('layers differ as the merged trees do', async (t) => {
  t.timeout(120_000);
  await fc.assert(
    fc.asyncProperty(STEPS, STEPS, STEPS, async (first, second, third) => {
      const place = new Place(t);
      try {
        const base = place.folder('base');
        for (const step of first) take(base, step);
        const upper = place.folder('upper');
        const live = place.merge('live', [base], upper);
        const [before, after] = [place.folder('before'), place.folder('after')];
        for (const step of second) take(live, step);
        await copyTree({ from: upper, to: before });
        for (const step of third) take(live, step);
        await copyTree({ from: upper, to: after });
        const found = await diffLayers([before, base], [after, base]);
        const seen = [
          place.merge('old', [before, base]),
          place.merge('young', [after, base]),
        ] as const;
        t.deepEqual(sorted(found), expected(...seen));
      } finally {
        place.drop();
      }
    }),
    { numRuns: 60 },
  );
});

test('a file that was only read or copied up is no difference', async (t) => {
  const place = new Place(t);
  const [base, upper] = [place.folder('base'), place.folder('upper')];
  writeFileSync(join(base, 'a'), 'x');
  execFileSync('cp', ['-a', join(base, 'a'), join(upper, 'a')]);
  t.deepEqual(await diffLayers([base], [upper, base]), []);
  writeAttributes(join(upper, 'a'), [{ name: 'user.note', value: Buffer.from('n') }]);
  t.deepEqual(await diffLayers([base], [upper, base]), [{ path: '/a', change: 'changed' }]);
});

test('what overlayfs keeps elsewhere is refused', async (t) => {
  const place = new Place(t);
  const [base, upper] = [place.folder('base'), place.folder('upper')];
  mkdirSync(join(upper, 'moved'));
  writeAttributes(join(upper, 'moved'), [
    { name: 'trusted.overlay.redirect', value: Buffer.from('was') },
  ]);
  await t.throwsAsync(diffLayers([base], [upper, base]), { message: /moved was renamed/ });
  rmSync(join(upper, 'moved'), { recursive: true });
  for (const folder of [base, upper]) writeFileSync(join(folder, 'a'), '');
  writeAttributes(join(upper, 'a'), [{ name: 'trusted.overlay.metacopy', value: Buffer.alloc(0) }]);
  await t.throwsAsync(diffLayers([base], [upper, base]), {
    message: /a has its content in a lower/,
  });
});
