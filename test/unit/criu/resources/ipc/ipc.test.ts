// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import {
  ADJUSTMENT,
  IPC_NOWAIT,
  SEM_MAX,
  SEM_UNDO,
} from '../../../../../src/criu/resources/ipc/abi.js';
import { adjustmentOps } from '../../../../../src/criu/resources/ipc/adjust.js';
import { limitSteps } from '../../../../../src/criu/resources/ipc/limit-steps.js';
import {
  parseQueues,
  parseSegments,
  parseSemaphores,
} from '../../../../../src/criu/resources/ipc/sysvipc.js';
import { IPC_LIMITS, sampleIpc } from '../../image/sample-ipc.js';

const LIVE = { isOwn: true, limits: IPC_LIMITS, fixed: new Set<string>() };

test('objects are read from the tables of the kernel', (t) => {
  const titles =
    '       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n';
  t.deepEqual(parseSemaphores(titles), []);
  t.deepEqual(parseSemaphores(''), []);
  const set =
    '-1735946232      32769   600          3     1     2     3     4          0 1763000000\n';
  const desc = { key: 0x98879008, id: 32769, mode: 0o600, uid: 1, gid: 2, cuid: 3, cgid: 4 };
  t.deepEqual(parseSemaphores(titles + set), [{ desc, count: 3 }]);
  const segment = '0 5 1600 18446744073709547520 11 12 2 1 2 3 4 0 0 0 0 0\n';
  const size = 18446744073709547520n;
  const removed = { ...desc, key: 0, id: 5, mode: 0o1600 };
  t.deepEqual(parseSegments(titles + segment), [{ desc: removed, size, attachments: 2 }]);
  const queue = '0 5 622 8201 4 11 12 1 2 3 4 0 0 0\n';
  const found = { desc: { ...removed, mode: 0o622 }, bytes: 8201, count: 4 };
  t.deepEqual(parseQueues(titles + queue), [found]);
});

test('adjustments are made without a change of the value, each operation within its range', (t) => {
  const value = fc.integer({ min: 0, max: SEM_MAX });
  const adjustment = fc.integer({ min: ADJUSTMENT.least, max: ADJUSTMENT.most });
  const made = fc.property(value, adjustment, (start, wanted) => {
    let [current, undone] = [start, 0];
    for (const call of adjustmentOps(7, start, wanted)) {
      for (const { index, op, flags } of call) {
        current += op;
        if (flags & SEM_UNDO) undone -= op;
        const isMade =
          index === 7 &&
          (flags & IPC_NOWAIT) !== 0 &&
          current >= 0 &&
          current <= SEM_MAX &&
          undone >= ADJUSTMENT.least &&
          undone <= ADJUSTMENT.most;
        if (!isMade) return false;
      }
    }
    return current === start && undone === wanted;
  });
  t.notThrows(() => {
    fc.assert(made, { numRuns: 2000 });
  });
});

test('limits are written only where they differ, and the live spec has the last word', (t) => {
  t.deepEqual(limitSteps(sampleIpc(), IPC_LIMITS, LIVE), []);
  const old = { ...IPC_LIMITS, msg_ctlmax: 100, shm_ctlmax: 1n << 40n, shm_rmid_forced: 1 };
  t.deepEqual(limitSteps(sampleIpc(), old, LIVE), [
    { path: 'kernel/msgmax', before: undefined, after: '100' },
    { path: 'kernel/shmmax', before: undefined, after: '1099511627776' },
    { path: 'kernel/shm_rmid_forced', before: undefined, after: '1' },
  ]);
  const fixed = new Set(['kernel/msgmax', 'kernel/shmmax', 'kernel/shm_rmid_forced']);
  t.deepEqual(limitSteps(sampleIpc(), old, { ...LIVE, fixed }), []);
});

test('limits allow what there is while it is made', (t) => {
  const limits = {
    ...IPC_LIMITS,
    sem_ctls: [1, 1, 1, 0],
    msg_ctlmax: 1,
    shm_ctlmax: 8n,
    shm_ctlmni: 0,
  };
  t.deepEqual(limitSteps(sampleIpc(), limits, { ...LIVE, limits }), [
    { path: 'kernel/sem', before: '2 2 2 1', after: '1 1 1 0' },
    { path: 'kernel/msgmax', before: '3', after: '1' },
    { path: 'kernel/shmmax', before: '56', after: '8' },
    { path: 'kernel/shmmni', before: '1', after: '0' },
  ]);
});
