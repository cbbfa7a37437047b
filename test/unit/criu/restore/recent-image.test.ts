// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { FoundImage, OpenedImage } from '../../../../src/criu/restore/open-image.js';
import { RecentImage } from '../../../../src/criu/restore/recent-image.js';

function found(id: string, imageDigest: string, bytes = 1): FoundImage {
  return { record: { id, imageDigest, imageSize: { bytes } } } as unknown as FoundImage;
}

/** Decodes nothing; counts how often it is asked to. */
function decoder(content: { readonly tmpfs?: number; readonly duplicates?: boolean } = {}) {
  const calls: string[] = [];
  const recent = new RecentImage(({ record }, path) => {
    calls.push(path);
    return {
      ...{ image: {}, record },
      tmpfs: [{ archive: Buffer.alloc(content.tmpfs ?? 0) }],
      duplicates: content.duplicates === true ? new Map() : undefined,
    } as unknown as OpenedImage;
  });
  return { calls, recent };
}

test('the same image is decoded once, and has the record that was found', (t) => {
  const { recent, calls } = decoder();
  const first = recent.read(found('a', '1'), '/one');
  const again = found('a', '1');
  const second = recent.read(again, '/two');
  t.is(second.image, first.image);
  t.is(second.record, again.record);
  t.deepEqual(calls, ['/one']);
});

test('other files, and another VAS, are decoded anew', (t) => {
  const { recent, calls } = decoder();
  for (const [id, digest] of ['a1', 'a2', 'b2', 'b2', 'a1'].map((both) => both.split('')))
    recent.read(found(id ?? '', digest ?? ''), `/${id ?? ''}${digest ?? ''}`);
  t.deepEqual(calls, ['/a1', '/a2', '/b2', '/a1']);
});

for (const [what, content, bytes] of [
  ['large', {}, 1024 * 1024 + 1],
  ['with large tmpfs mounts', { tmpfs: 1024 * 1024 + 1 }, 1],
  ['of the kernel', { duplicates: true }, 1],
] as const) {
  test(`one that is ${what} is not kept`, (t) => {
    const { recent, calls } = decoder(content);
    for (const path of ['/one', '/two']) recent.read(found('a', '1', bytes), path);
    t.deepEqual(calls, ['/one', '/two']);
  });
}
