// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { memoryCgroupsOf, readMemoryRoom } from '../../../src/common/cgroup-memory.js';

const V1 = '31 29 0:27 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory';
const V2 = '25 20 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate';

test('the memory cgroups of a process are all but the root', (t) => {
  const expected = ['/sys/fs/cgroup/memory/a/b', '/sys/fs/cgroup/memory/a'];
  t.deepEqual(memoryCgroupsOf('4:memory:/a/b\n0::/y\n', V1), expected);
  t.deepEqual(memoryCgroupsOf('0::/y\n', V2), ['/sys/fs/cgroup/y']);
  t.deepEqual(memoryCgroupsOf('0::/\n', V2), []);
});

test('page cache makes room below a limit of v1', (t) => {
  const room = roomIn(t, {
    'memory.limit_in_bytes': '1000000\n',
    'memory.usage_in_bytes': '900000\n',
    'memory.memsw.limit_in_bytes': '1000000\n',
    'memory.memsw.usage_in_bytes': '950000\n',
    'memory.stat': 'inactive_file 7\ntotal_inactive_file 3000\ntotal_active_file 2000\n',
  });
  t.deepEqual([room.limit, room.room], [1_000_000, 55_000], 'memory and swap have a limit, too');
});

test('page cache makes room below a limit of v2', (t) => {
  const room = roomIn(t, {
    'memory.max': '1000000\n',
    'memory.current': '900000\n',
    'memory.swap.max': '0\n',
    'memory.swap.current': '0\n',
    'memory.stat': 'anon 1\ninactive_file 3000\nactive_file 2000\n',
  });
  t.deepEqual([room.limit, room.room], [1_000_000, 105_000]);
});

test('a cgroup without a limit leaves all there is', (t) => {
  const v1 = { 'memory.limit_in_bytes': '9223372036854771712\n', 'memory.usage_in_bytes': '1\n' };
  t.is(roomIn(t, v1).room, Infinity);
  t.is(roomIn(t, { 'memory.max': 'max\n', 'memory.current': '1\n' }).room, Infinity);
  t.is(roomIn(t, {}).room, Infinity);
});

function roomIn(t: ExecutionContext, files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'mvas-cgroup-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return readMemoryRoom(folder);
}
