// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  cgroupExists,
  locateContainerCgroup,
} from '../../../../src/shim/metrics/container-cgroup.js';
import { parseCount, UNLIMITED } from '../../../../src/shim/metrics/files.js';
import { readMetrics } from '../../../../src/shim/metrics/metrics.js';
import { parseBlkio, readMetricsV1 } from '../../../../src/shim/metrics/v1.js';
import { parseIo, parsePressure, readMetricsV2 } from '../../../../src/shim/metrics/v2.js';
import { decode } from '../../../../src/shim/proto/codec.js';
import { Metrics as MetricsV1 } from '../../../../src/shim/proto/messages/metrics-v1.js';
import { Metrics as MetricsV2 } from '../../../../src/shim/proto/messages/metrics-v2.js';

const V1 = [
  '31 29 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
  '32 29 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
  '33 29 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
  '34 29 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
].join('\n');
const V2 = '25 20 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate';

/** A directory with control files. */
function cgroup(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-metrics-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

test('on v1 each controller has a directory, and systemd’s hierarchy is none', (t) => {
  const found = locateContainerCgroup(
    '9:memory:/ns/a\n4:cpu,cpuacct:/ns/a\n3:pids:/ns/a\n1:name=systemd:/ns/a\n0::/y\n',
    V1,
  );
  t.deepEqual(found, {
    version: 1,
    directories: new Map([
      ['memory', '/sys/fs/cgroup/memory/ns/a'],
      ['cpu', '/sys/fs/cgroup/cpu,cpuacct/ns/a'],
      ['cpuacct', '/sys/fs/cgroup/cpu,cpuacct/ns/a'],
    ]),
  });
});

test('on v2 there is one directory', (t) => {
  t.deepEqual(locateContainerCgroup('0::/ns/a\n', V2), {
    version: 2,
    directory: '/sys/fs/cgroup/ns/a',
  });
  t.is(locateContainerCgroup('0::/\n', V2), undefined);
});

test('numbers of control files', (t) => {
  t.is(parseCount('7\n'), 7n);
  t.is(parseCount('max\n'), UNLIMITED);
  t.is(parseCount('18446744073709551615'), UNLIMITED);
  for (const text of ['', 'garbage', '-1', '1 2']) t.is(parseCount(text), 0n, text);
});

test('metrics of v1', (t) => {
  const directory = cgroup(t, {
    'memory.stat': [
      ...['cache 1', 'rss 2', 'pgpgin 3', 'pgmajfault 4', 'hierarchical_memsw_limit 5'],
      ...['total_cache 6', 'total_pgfault 7', 'total_inactive_file 8', 'total_unevictable 9', ''],
    ].join('\n'),
    'memory.usage_in_bytes': '100\n',
    'memory.limit_in_bytes': '9223372036854771712\n',
    'memory.memsw.failcnt': '11\n',
    'memory.kmem.tcp.max_usage_in_bytes': '12\n',
    'memory.oom_control': 'oom_kill_disable 1\nunder_oom 0\noom_kill 3\n',
    'cpuacct.usage': '123456789\n',
    'cpuacct.usage_percpu': '100 0 200 \n',
    'cpuacct.stat': 'user 5\nsystem 7\n',
    'cpu.stat': 'nr_periods 10\nnr_throttled 2\nthrottled_time 99\n',
    'pids.current': '4\n',
    'pids.max': 'max\n',
    'hugetlb.2MB.usage_in_bytes': '2097152\n',
    'hugetlb.2MB.max_usage_in_bytes': '4194304\n',
    'blkio.throttle.io_serviced_recursive': '254:0 Read 5\nTotal 5\n',
  });
  const controllers = ['memory', 'cpu', 'cpuacct', 'pids', 'hugetlb', 'blkio'];
  const directories = new Map(controllers.map((name) => [name, directory]));
  const read = readMetricsV1(directories);
  t.like(read.memory, {
    cache: 1n,
    rss: 2n,
    pgPgIn: 3n,
    pgMajFault: 4n,
    hierarchicalSwapLimit: 5n,
    totalCache: 6n,
    totalPgFault: 7n,
    totalInactiveFile: 8n,
    totalUnevictable: 9n,
    totalRss: 0n,
  });
  t.deepEqual(read.memory?.usage, {
    limit: 9223372036854771712n,
    usage: 100n,
    max: 0n,
    failcnt: 0n,
  });
  t.is(read.memory?.swap?.failcnt, 11n);
  t.is(read.memory?.kernelTcp?.max, 12n);
  t.deepEqual(read.memoryOomControl, { oomKillDisable: 1n, underOom: 0n, oomKill: 3n });
  t.deepEqual(read.cpu, {
    usage: { total: 123456789n, user: 50_000_000n, kernel: 70_000_000n, perCpu: [100n, 0n, 200n] },
    throttling: { periods: 10n, throttledPeriods: 2n, throttledTime: 99n },
  });
  t.deepEqual(read.pids, { current: 4n, limit: 0n });
  t.deepEqual(read.hugetlb, [{ usage: 2097152n, max: 4194304n, failcnt: 0n, pagesize: '2MB' }]);
  t.like(read.blkio?.ioServicedRecursive?.[0], { op: 'Read', major: 254n, minor: 0n, value: 5n });

  const { typeUrl, value } = readMetrics({ version: 1, directories });
  t.is(typeUrl, 'io.containerd.cgroups.v1.Metrics');
  t.is(decode(MetricsV1, value ?? new Uint8Array(0)).pids?.current, 4n);
});

test('memory is there on v1 even where its controller is not, as ctr expects', (t) => {
  t.is(readMetricsV1(new Map()).memory?.usage?.usage, 0n);
});

test('metrics of v2', (t) => {
  const directory = cgroup(t, {
    'pids.current': '4\n',
    'pids.max': 'max\n',
    'cpu.stat': 'usage_usec 12\nuser_usec 5\nsystem_usec 7\nnice_usec 0\nnr_bursts 1\n',
    'cpu.pressure': 'some avg10=1.50 avg60=0.00 avg300=0.00 total=44\n',
    'memory.stat':
      'anon 1\nkernel_stack 2\npgmajfault 3\nworkingset_refault_anon 4\nworkingset_refault_file 5\nthp_collapse_alloc 6\n',
    'memory.current': '100\n',
    'memory.max': '200\n',
    'memory.swap.max': 'max\n',
    'memory.peak': '150\n',
    'memory.events': 'low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\n',
    'io.stat': '254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n',
    'hugetlb.2MB.current': '2097152\n',
    'hugetlb.2MB.max': 'max\n',
    'hugetlb.2MB.events': 'max 8\n',
  });
  const read = readMetricsV2(directory);
  t.deepEqual(read.pids, { current: 4n, limit: UNLIMITED });
  t.like(read.cpu, { usageUsec: 12n, userUsec: 5n, systemUsec: 7n, nrBursts: 1n, nrPeriods: 0n });
  t.deepEqual(read.cpu?.psi, { some: { avg10: 1.5, avg60: 0, avg300: 0, total: 44n } });
  t.like(read.memory, {
    anon: 1n,
    kernelStack: 2n,
    pgmajfault: 3n,
    workingsetRefault: 9n,
    thpCollapseAlloc: 6n,
    usage: 100n,
    usageLimit: 200n,
    swapLimit: UNLIMITED,
    maxUsage: 150n,
    psi: undefined,
  });
  t.deepEqual(read.memoryEvents, {
    low: 0n,
    high: 1n,
    max: 2n,
    oom: 3n,
    oomKill: 4n,
    oomGroupKill: 5n,
  });
  t.is(read.io?.usage?.length, 1);
  t.deepEqual(read.hugetlb, [{ current: 2097152n, max: UNLIMITED, pagesize: '2MB', failcnt: 8n }]);

  const { typeUrl, value } = readMetrics({ version: 2, directory });
  t.is(typeUrl, 'io.containerd.cgroups.v2.Metrics');
  t.is(decode(MetricsV2, value ?? new Uint8Array(0)).memory?.usageLimit, 200n);
});

test('lines of devices', (t) => {
  const text = '8:0 Read 4096\n8:0 Write 0\nTotal 4096\ngarbage\n';
  t.deepEqual(
    parseBlkio(text, (device) => `name of ${device}`),
    [
      { op: 'Read', device: 'name of 8:0', major: 8n, minor: 0n, value: 4096n },
      { op: 'Write', device: 'name of 8:0', major: 8n, minor: 0n, value: 0n },
    ],
  );
  t.deepEqual(parseIo('8:16 wbytes=2\n\n'), [
    { major: 8n, minor: 16n, rbytes: 0n, wbytes: 2n, rios: 0n, wios: 0n },
  ]);
});

test('pressure has two kinds, of which processors may have one', (t) => {
  const text = 'some avg10=0.10 avg60=0.20 avg300=0.30 total=5\n';
  t.deepEqual(parsePressure(text, 'some'), { avg10: 0.1, avg60: 0.2, avg300: 0.3, total: 5n });
  t.is(parsePressure(text, 'full'), undefined);
});

test('a cgroup is gone when all its directories are', (t) => {
  const directory = cgroup(t, {});
  mkdirSync(join(directory, 'memory'));
  const directories = new Map([
    ['memory', join(directory, 'memory')],
    ['pids', join(directory, 'pids')],
  ]);
  t.true(cgroupExists({ version: 1, directories }));
  rmSync(join(directory, 'memory'), { recursive: true });
  t.false(cgroupExists({ version: 1, directories }));
  t.true(cgroupExists({ version: 2, directory }));
});
