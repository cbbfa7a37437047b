// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { MS, planMount, shortenLowerdirs } from '../../../../src/shim/mount/options.js';
import { mountsBelow, parseMountinfo } from '../../../../src/common/procfs/mountinfo.js';

test('options become flags, propagation and data', (t) => {
  t.deepEqual(planMount(['rbind', 'ro', 'rprivate']), {
    flags: MS.bind | MS.rec | MS.rdonly,
    propagation: MS.private | MS.rec,
    data: [],
    ids: undefined,
  });
  t.deepEqual(planMount(['ro', 'rw', 'lowerdir=/a:/b', 'X-containerd.x', 'index=off']), {
    flags: 0,
    propagation: 0,
    data: ['lowerdir=/a:/b', 'index=off'],
    ids: undefined,
  });
});

test('options that need more than a flag are refused', (t) => {
  t.throws(() => planMount(['loop']), { message: /not supported/ });
});

test('maps of ids are both or none', (t) => {
  const { data, ids } = planMount(['uidmap=0:100:5,5:200:1', 'lowerdir=/a', 'gidmap=0:7:9']);
  t.deepEqual(data, ['lowerdir=/a']);
  t.deepEqual(ids, { users: '0:100:5,5:200:1', groups: '0:7:9' });
  t.throws(() => planMount(['uidmap=0:1:2']), { message: /uidmap=0:1:2: .* without gidmap/ });
  t.throws(() => planMount(['gidmap=0:1:2']), { message: /gidmap=0:1:2: .* without uidmap/ });
  for (const option of ['uidmap=', 'gidmap=0:1', 'uidmap=0:1:2,', 'uidmap=0:-1:2']) {
    t.throws(() => planMount([option, 'gidmap=0:1:2']), { message: /is not inside:host:count/ });
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
