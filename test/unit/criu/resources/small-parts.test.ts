// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  decodeCapabilities,
  nameCapabilities,
} from '../../../../src/criu/resources/attributes/capabilities.js';
import { insideIds } from '../../../../src/criu/resources/inside-ids.js';
import { IdMap } from '../../../../src/criu/procfs/id-map.js';
import {
  plainQuery,
  queryRemotely,
} from '../../../../src/criu/resources/attributes/remote-query.js';
import { parseCpuList } from '../../../../src/criu/resources/attributes/cpus.js';
import { notifiesSupervisor } from '../../../../src/criu/resources/attributes/seccomp.js';
import type { RemoteCall, Tracee } from '../../../../src/criu/tracee/tracee.js';
import { sampleCreds } from './samples.js';

test('capabilities cross 32 bits and have names', (t) => {
  const set = (1n << 40n) | (1n << 31n) | 1n | (1n << 50n);
  t.is(decodeCapabilities(sampleCreds(set)).permitted, set);
  t.is(nameCapabilities(set), 'CAP_CHOWN, CAP_SETFCAP, CAP_CHECKPOINT_RESTORE, CAP_50');
});

test('ids are those of the user namespace', (t) => {
  const map = new IdMap('         0     100000      65536\n     70000          5          1\n');
  t.is(map.toInside(100033), 33);
  t.is(map.toInside(5), 70000);
  t.throws(() => map.toInside(6), { message: /id 6 of the host has no place/ });
  t.is(map.toOutside(33), 100033);
  t.is(map.toOutside(70000), 5);
  t.throws(() => map.toOutside(5_000_000), { message: /id 5000000 has no place/ });
  t.deepEqual(
    [5, 6, 165535, 165536].map((id) => map.has(id)),
    [true, false, true, false],
  );
  t.false(map.isIdentity);
  t.true(new IdMap('0 0 4294967295').isIdentity);
});

test('entries get the ids of the user namespace, whatever they are', (t) => {
  const maps = { users: new IdMap('0 1000 10'), groups: new IdMap('0 2000 10') };
  const file = { id: 1000, uid: 1001, gid: 2002, fown: { signum: 0, pid: 0, uid: 0, euid: 0 } };
  const payload = Uint8Array.of(1, 2);
  t.deepEqual(insideIds([{ file, payload, opts: { mvas_uid: 1003, mvas_peer_gid: 2004 } }], maps), [
    { file: { ...file, uid: 1, gid: 2 }, payload, opts: { mvas_uid: 3, mvas_peer_gid: 4 } },
  ]);
  t.throws(() => insideIds({ uid: 0 }, maps), { message: /id 0 of the host/ });
  t.deepEqual(insideIds({ uid: 0, gid: 2000 }, maps, 'omit'), { uid: undefined, gid: 0 });
});

test('lists of processors have ranges', (t) => {
  t.deepEqual(parseCpuList('0-2,5\n'), [0, 1, 2, 5]);
  t.deepEqual(parseCpuList('\n'), []);
});

test('only a return of USER_NOTIF makes a supervisor', (t) => {
  const statement = (code: number, k: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(code, 0);
    bytes.writeUInt32LE(k, 4);
    return bytes;
  };
  t.true(notifiesSupervisor(Buffer.concat([statement(0x20, 0), statement(6, 0x7fc00000)])));
  t.false(
    notifiesSupervisor(Buffer.concat([statement(0x20, 0x7fc00000), statement(6, 0x7fff0000)])),
  );
});

test('queries that do not fit together run in turns', async (t) => {
  const memory = new Uint8Array(64);
  const turns: (readonly RemoteCall[])[] = [];
  const thread = {
    scratch: { address: 0x1000n, size: 64 },
    remote: (calls: readonly RemoteCall[]) => {
      turns.push(calls);
      for (const { args } of calls)
        memory.fill(Number(args[0]), Number(BigInt(args[1] ?? 0) - 0x1000n));
      return Promise.resolve(calls.map(({ nr }) => BigInt(nr)));
    },
    readMemory: (address: bigint, length: number) =>
      memory.slice(Number(address - 0x1000n), Number(address - 0x1000n) + length),
  } as unknown as Tracee;
  const query = (nr: number) => ({ nr, args: (room: bigint) => [nr, room] as const, room: 30 });
  const answers = await queryRemotely(thread, [query(1), query(2), query(3)]);
  t.deepEqual(
    turns.map((calls) => calls.length),
    [2, 1],
  );
  t.deepEqual(
    answers.map(({ result }) => result),
    [1n, 2n, 3n],
  );
  t.deepEqual(
    answers.map(({ bytes }) => [bytes.length, bytes[0], bytes[29]]),
    [
      [30, 1, 1],
      [30, 2, 2],
      [30, 3, 3],
    ],
  );
  t.deepEqual(plainQuery(9, 1, 2).args(5n), [1, 2]);
  await t.throwsAsync(queryRemotely(thread, [{ ...query(1), room: 65 }]));
});
