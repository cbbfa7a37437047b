// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { asHostPid, type HostPid, ownPid } from '../../../src/common/ids.js';
import { UsableCpus } from '../../../src/criu/resources/attributes/cpus.js';
import { dumpScheduling } from '../../../src/criu/resources/attributes/scheduling.js';
import { call, SYS } from '../../../src/native/sys.js';

function cpusOf(pid: HostPid): readonly number[] {
  return new UsableCpus().of(readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8'));
}

const CPUSET = '/sys/fs/cgroup/cpuset';
/** Needs two processors, and a hierarchy of cgroup v1. */
const isPossible = existsSync(join(CPUSET, 'cgroup.procs')) && cpusOf(ownPid()).length > 1;

(isPossible ? test : test.skip)(
  'what a cpuset leaves is not a wish, less than that is one',
  async (t) => {
    const [first = 0, second = 1] = cpusOf(ownPid());
    const cgroup = mkdtempSync(join(CPUSET, 'mvas-test-cpus-'));
    t.teardown(() => {
      rmdirSync(cgroup);
    });
    writeFileSync(join(cgroup, 'cpuset.mems'), '0');
    writeFileSync(join(cgroup, 'cpuset.cpus'), `${String(first)},${String(second)}`);
    const child = spawn('sleep', ['600']);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const pid = asHostPid(child.pid ?? 0);
    const thread = { tid: pid, label: 'sleep' };
    try {
      writeFileSync(join(cgroup, 'cgroup.procs'), String(pid));
      t.deepEqual(cpusOf(pid), [first, second]);
      t.is(dumpScheduling(thread, cpusOf(pid)).mvas_cpu_mask, undefined);
      writeFileSync(join(cgroup, 'cpuset.cpus'), String(first));
      t.deepEqual(cpusOf(pid), [first]);
      t.is(dumpScheduling(thread, cpusOf(pid)).mvas_cpu_mask, undefined);
      writeFileSync(join(cgroup, 'cpuset.cpus'), `${String(first)},${String(second)}`);
      const mask = new Uint8Array(128);
      mask[second >> 3] = 1 << (second & 7);
      call('choose a processor', SYS.sched_setaffinity, pid, mask.length, mask);
      t.deepEqual(
        dumpScheduling(thread, cpusOf(pid)).mvas_cpu_mask?.[second >> 3],
        mask[second >> 3],
      );
    } finally {
      child.kill('SIGKILL');
      await gone;
    }
  },
);
