// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseMountinfo } from '../../../../src/common/procfs/mountinfo.js';
import { fixture, refuses } from '../../criu/procfs/fixture.js';

const odd = () => parseMountinfo(fixture('odd/mountinfo'));
const at = (mountPoint: string) => odd().find((mount) => mount.mountPoint === mountPoint);

test('a container has its root first, and each mount names its parent', (t) => {
  const mounts = parseMountinfo(fixture('container/mountinfo'));
  t.deepEqual(mounts[0], {
    id: 65,
    parentId: 43,
    dev: { major: 254, minor: 0 },
    root: '/srv/rootfs',
    mountPoint: '/',
    options: ['ro', 'relatime'],
    propagation: [],
    fsType: 'ext4',
    source: '/dev/vda',
    superOptions: ['rw', 'discard', 'resv_strict', 'resuid=65534', 'resgid=65534'],
  });
  const ids = new Set(mounts.map((mount) => mount.id));
  t.true(mounts.slice(1).every((mount) => ids.has(mount.parentId)));
  t.is(mounts.find((mount) => mount.mountPoint === '/data dir')?.fsType, 'tmpfs');
});

test('names with spaces, line feeds, backslashes and number signs are unescaped', (t) => {
  t.is(at('/srv/m')?.source, 'odd source #1');
  t.is(at('/srv/m/back\\slash')?.root, '/back\\slash');
  t.truthy(at('/srv/m/new\nline'));
  t.truthy(at('/srv/m/a b'));
  t.truthy(at('/srv/m/#hash'));
});

test('a mount without a source has an empty one', (t) => {
  t.like(at('/srv/m/ns'), { fsType: 'tmpfs', source: '', superOptions: ['rw', 'nr_inodes=5'] });
});

test('the root of a bound namespace names it', (t) => {
  t.is(at('/srv/m/nsfile')?.root, 'net:[4026531833]');
});

test('an option of a file system may hold what separates options', (t) => {
  t.deepEqual(at('/srv/m/merged')?.superOptions.slice(0, 3), [
    'rw',
    'lowerdir=a b:x\\,y=z',
    'upperdir=upper',
  ]);
});

test('propagation is told, however many kinds of it', (t) => {
  t.deepEqual(at('/srv/m/shared')?.propagation, ['shared:1']);
  t.deepEqual(at('/srv/m/shared/u')?.propagation, ['unbindable']);
  const text = '1 2 0:3 / /x rw shared:7 master:3 propagate_from:2 - xfs /dev/sda1 rw\n';
  const [mount] = parseMountinfo(text);
  t.deepEqual(mount?.propagation, ['shared:7', 'master:3', 'propagate_from:2']);
});

for (const line of [
  '1 2 0:3 / /x rw xfs /dev/sda1 rw',
  '1 2 0:3 / /x - xfs /dev/sda1 rw',
  '1 2 03 / /x rw - xfs /dev/sda1 rw',
  '1 2 0:3 / /x rw - xfs /dev/sda1',
  'x 2 0:3 / /x rw - xfs /dev/sda1 rw',
]) {
  test(`refused: ${line}`, (t) => {
    refuses(t, () => parseMountinfo(`${line}\n`), { file: 'mountinfo', shown: line });
  });
}
