// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import type { CheckpointImage } from '../../../../src/criu/image/checkpoint-image.js';
import type { GhostFileEntry } from '../../../../src/criu/image/types.js';
import { validateContents } from '../../../../src/criu/memory/validate-contents.js';
import { sampleImage } from '../../../../src/criu/restore/rehearsal/sample-image.js';

const STORED = { size: 0x2800n, mvas_park: 0x1000_0000n, mvas_runs: [0n, 1n, 2n, 1n] };
const CHUNK = { offset: 0n, data: Uint8Array.of(1) };

/** The sample, whose deleted file has its content in the VAS. */
function imageOf(more: Partial<GhostFileEntry>, content = [] as (typeof CHUNK)[]): CheckpointImage {
  const image = sampleImage();
  const ghosts = [...image.ghosts].map(([id, { entry }]) => {
    return [id, { entry: { ...entry, ...STORED, ...more }, content }] as const;
  });
  return { ...image, ghosts: new Map(ghosts) };
}

/** The same with memory files that have the content of the deleted file. */
function withMemories(image: CheckpointImage, count: number, remaps = image.remaps) {
  const [shmid = 0] = image.ghosts.keys();
  const inode = { name: 'x', uid: 0, gid: 0, size: 0x2800n, shmid, seals: 0 };
  const memfds = Array.from({ length: count }, (_, id) => ({ ...inode, inode_id: BigInt(id) }));
  return { ...image, memfds, remaps };
}

test('content may lie in the VAS, for one file', (t) => {
  t.notThrows(() => {
    validateContents(imageOf({}));
    validateContents(imageOf({ mvas_runs: [] }));
    validateContents(withMemories(imageOf({}), 1, []));
  });
});

for (const [what, message, image] of [
  ['runs without a place', /cannot lie there/, imageOf({ mvas_park: undefined })],
  ['a place in the middle of a page', /cannot lie there/, imageOf({ mvas_park: 1n })],
  ['a place beyond memory', /cannot lie there/, imageOf({ mvas_park: 1n << 63n })],
  ['more than memory', /cannot lie there/, imageOf({ size: (1n << 64n) - 1n })],
  ['content of nothing', /cannot lie there/, imageOf({ size: 0n, mvas_runs: [] })],
  ['content of a directory', /cannot lie there/, imageOf({ mode: 0o040700 })],
  ['content beyond the end', /runs of pages/, imageOf({ mvas_runs: [0n, 4n] })],
  ['half a run', /half a run/, imageOf({ mvas_runs: [0n] })],
  ['content in two places', /of its own/, imageOf({}, [CHUNK])],
  ['content of a file and a memfd', /several files/, withMemories(imageOf({}), 1)],
  ['content of two memfds', /several files/, withMemories(imageOf({}), 2, [])],
] as const) {
  test(`refuses ${what}`, (t) => {
    const check = () => {
      validateContents(image);
    };
    t.is(t.throws(check, { instanceOf: ShimError, message }).kind, 'dataLoss');
  });
}
