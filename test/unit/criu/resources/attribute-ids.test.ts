// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { IdMap } from '../../../../src/criu/procfs/id-map.js';
import {
  insideAttributes,
  outsideAttributes,
} from '../../../../src/criu/resources/attribute-ids.js';

const MAPS = { users: new IdMap('0 200000 65536\n'), groups: new IdMap('0 300000 65536\n') };
const ALL = '0 0 4294967295\n';

function acl(...entries: readonly (readonly [tag: number, id: number])[]): Uint8Array {
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(2, 0);
  entries.forEach(([tag, id], index) => {
    bytes.writeUInt16LE(tag, 4 + 8 * index);
    bytes.writeUInt16LE(7, 6 + 8 * index);
    bytes.writeUInt32LE(id, 8 + 8 * index);
  });
  return new Uint8Array(bytes);
}

/** With a root, of the third revision. */
function capability(root?: number): Uint8Array {
  const words = [root === undefined ? 0x02000001 : 0x03000001, 1, 2, 3, 4];
  return new Uint8Array(Uint32Array.of(...words, ...(root === undefined ? [] : [root])).buffer);
}

const access = (value: Uint8Array) => [{ name: 'system.posix_acl_access', value }];
const rights = (value: Uint8Array) => [{ name: 'security.capability', value }];

test('an ACL names users and groups of the namespace, and nobody else changes', (t) => {
  const host = acl([1, 0xffffffff], [2, 201000], [8, 302000], [0x20, 0xffffffff]);
  const inside = acl([1, 0xffffffff], [2, 1000], [8, 2000], [0x20, 0xffffffff]);
  t.deepEqual(insideAttributes(access(host), MAPS), access(inside));
  t.deepEqual(outsideAttributes(access(inside), MAPS), access(host));
});

test('capabilities of the root of the namespace are told without a root in it', (t) => {
  t.deepEqual(insideAttributes(rights(capability(200000)), MAPS), rights(capability()));
  t.deepEqual(outsideAttributes(rights(capability()), MAPS), rights(capability(200000)));
  t.deepEqual(insideAttributes(rights(capability(200007)), MAPS), rights(capability(7)));
});

test('ids that the namespace does not have are refused', (t) => {
  const homeless = { message: /^id \d+ of the host has no place in the user namespace/ };
  t.throws(() => insideAttributes(access(acl([2, 1000])), MAPS), homeless);
  t.throws(() => insideAttributes(rights(capability()), MAPS), homeless);
  t.throws(() => outsideAttributes(access(acl([8, 70000])), MAPS));
});

test('other attributes stay, and so does everything where ids are the same', (t) => {
  const other = [{ name: 'user.note', value: acl([2, 201000]) }];
  t.deepEqual(insideAttributes(other, MAPS), other);
  const same = { users: new IdMap(ALL), groups: new IdMap(ALL) };
  t.deepEqual(insideAttributes(rights(capability(7)), same), rights(capability(7)));
});

test('values that are none are left to the kernel', (t) => {
  for (const value of [new Uint8Array(0), new Uint8Array(7), Uint8Array.of(2, 0, 0, 0, 2, 0, 7)]) {
    t.deepEqual(insideAttributes(access(value), MAPS), access(value));
    t.deepEqual(insideAttributes(rights(value), MAPS), rights(value));
  }
});
