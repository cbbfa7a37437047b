// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { MS, planMount, shortenLowerdirs } from '../../../../src/shim/mount/options.js';
import { mountsBelow, parseMountinfo } from '../../../../src/common/procfs/mountinfo.js';

test('options become flags, propagation and data', (t) => {
  t.deepEqual(planMount(['rbind', 'ro', 'rprivate']), {
    flags: MS.bind | MS.rec | MS.rdonly,
    propagation: MS.private | MS.rec,
    data: '',
  });
  t.deepEqual(planMount(['ro', 'rw', 'lowerdir=/a:/b', 'X-containerd.x', 'index=off']), {
    flags: 0,
    propagation: 0,
    data: 'lowerdir=/a:/b,index=off',
  });
});

test('options that need more than a flag are refused', (t) => {
  for (const option of ['loop', 'uidmap=0:1:2', 'gidmap=0:1:2']) {
    t.throws(() => planMount([option]), { message: /not supported/ });
  }
});

test('lower directories are made relative to what they share', (t) => {
  t.deepEqual(shortenLowerdirs('workdir=/w,lowerdir=/s/1/fs:/s/22/fs,upperdir=/u'), {
    base: '/s',
    data: 'workdir=/w,lowerdir=1/fs:22/fs,upperdir=/u',
  });
  const nothingShared = 'lowerdir=/a/fs:/b/fs';
  t.deepEqual(shortenLowerdirs(nothingShared), { base: '/', data: nothingShared });
});

test('mounts of a directory are found, the last one first', (t) => {
  const line = (point: string) => `1 2 0:3 / ${point} rw - tmpfs tmpfs rw`;
  const text = ['/b/rootfs', '/b/rootfs2', '/b/rootfs/a\\040b'].map(line).join('\n');
  t.deepEqual(mountsBelow(parseMountinfo(text), '/b/rootfs'), ['/b/rootfs/a b', '/b/rootfs']);
});
