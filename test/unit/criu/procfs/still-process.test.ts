// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import test from 'ava';
import { asHostPid, asNsTid, ownPid } from '../../../../src/common/ids.js';
import { ShimError } from '../../../../src/common/errors.js';
import { parseAuxv } from '../../../../src/criu/procfs/auxv.js';
import { readIdsOf, readSeccompModes, readVitalsOf } from '../../../../src/criu/procfs/many.js';
import * as reader from '../../../../src/criu/procfs/reader.js';
import { NAMESPACE_LINKS, StillProcess } from '../../../../src/criu/procfs/still-process.js';
import { parseTimers } from '../../../../src/criu/procfs/timers.js';

const SELF = ownPid();
const NOBODY = asHostPid(2 ** 22 + 1);

test('a process is told of as by each reader', (t) => {
  const proc = StillProcess.read(SELF);
  t.is(proc.status().nsPid.at(-1), reader.readStatus(SELF).nsPid.at(-1));
  t.is(proc.stat.startTime, reader.readStat(SELF).startTime);
  t.deepEqual(proc.limits, reader.readLimits(SELF));
  t.deepEqual(proc.timers, parseTimers(readFileSync('/proc/self/timers')));
  t.deepEqual(proc.auxv, parseAuxv(readFileSync('/proc/self/auxv')));
  t.deepEqual(proc.cgroup(), reader.readCgroup(SELF));
  t.is(proc.personality, parseInt(readFileSync('/proc/self/personality', 'utf8'), 16));
  t.is(proc.oomScoreAdj, Number(readFileSync('/proc/self/oom_score_adj', 'utf8')));
  t.is(proc.coredumpFilter, parseInt(readFileSync('/proc/self/coredump_filter', 'utf8'), 16));
  t.is(proc.cgroupText(), readFileSync('/proc/self/cgroup', 'utf8'));
  t.is(proc.link('cwd'), process.cwd());
  t.is(proc.link('root'), reader.readLink(SELF, 'root'));
  for (const name of NAMESPACE_LINKS) {
    t.is(proc.namespace(name), reader.readNamespace(SELF, name, SELF));
  }
});

test('its threads are told of, the leader first', async (t) => {
  const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
  t.teardown(() => worker.terminate());
  await once(worker, 'online');
  const proc = StillProcess.read(SELF);
  const { tids } = proc;
  t.is(tids[0], SELF);
  t.deepEqual([...tids].sort(), [...reader.listThreads(SELF)].sort());
  for (const tid of tids) {
    t.is(proc.status(tid).pid, tid);
    t.deepEqual(proc.cgroup(tid), reader.readCgroup(SELF, tid));
    t.deepEqual(proc.children(tid), reader.readChildren(SELF, tid));
  }
});

test('one that is gone is not found, and left out of many', (t) => {
  const error = t.throws(() => StillProcess.read(NOBODY), { instanceOf: ShimError });
  t.is(error.kind, 'notFound');
  t.deepEqual([...readVitalsOf([NOBODY, SELF]).keys()], [SELF]);
  t.deepEqual([...readSeccompModes([NOBODY, SELF])], [[SELF, reader.readStatus(SELF).seccomp]]);
  const { numThreads, ppid } = readVitalsOf([SELF]).get(SELF) ?? { numThreads: 0, ppid: NOBODY };
  t.is(ppid, asHostPid(process.ppid));
  t.true(numThreads >= 1);
});

test('ids of many threads, in the host and in their own namespace, are read by one call', (t) => {
  const tids = reader.listThreads(SELF);
  const ids = readIdsOf([...tids, NOBODY]);
  t.deepEqual([...ids.keys()], tids);
  for (const tid of tids) {
    const { tgid, nsPid } = reader.readStatus(SELF, tid);
    t.deepEqual(ids.get(tid), { tgid, nsTid: asNsTid(nsPid.at(-1) ?? 0) });
  }
});
