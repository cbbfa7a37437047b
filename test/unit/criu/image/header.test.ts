// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  IMAGE_KINDS,
  imageFileName,
  kindInfo,
  parseImageFileName,
  type ImageKind,
} from '../../../../src/criu/image/header.js';

const NAMES: (readonly [ImageKind, number | undefined, string])[] = [
  ['inventory', undefined, 'inventory.img'],
  ['core', 1, 'core-1.img'],
  ['pagemap', 17, 'pagemap-17.img'],
  ['pagemap-shmem', 17, 'pagemap-shmem-17.img'],
  ['ghost-file', 26, 'ghost-file-1a.img'],
  ['tcp-stream', 0xdead, 'tcp-stream-dead.img'],
  ['tmpfs', 5, 'tmpfs-5.tar.gz.img'],
  ['tmpfs-dev', 64, 'tmpfs-dev-64.tar.gz.img'],
  ['stats-dump', undefined, 'stats-dump'],
];

for (const [kind, id, name] of NAMES) {
  test(`${name} has kind ${kind}`, (t) => {
    t.is(imageFileName(kind, id), name);
    const parsed = parseImageFileName(name);
    t.deepEqual(parsed, id === undefined ? { kind } : { kind, id: BigInt(id) });
  });
}

test('every kind is found again by its name', (t) => {
  for (const kind of Object.keys(IMAGE_KINDS) as ImageKind[]) {
    const id = kindInfo(kind).id === 'none' ? undefined : 255;
    t.is(parseImageFileName(imageFileName(kind, id))?.kind, kind);
  }
});

for (const name of [
  '',
  '.img',
  'core.img',
  'core-.img',
  'core-01.img',
  'core-1.img.bak',
  'core--1.img',
  'core-0x1.img',
  'core-99999999999999999999.img',
  'inventory-1.img',
  'tmpfs-5.img',
  'stats-dump.img',
  'dump.log',
]) {
  test(`"${name}" is none of our files`, (t) => {
    t.is(parseImageFileName(name), undefined);
  });
}
