// SPDX-License-Identifier: Apache-2.0
import {
  MemoryStat,
  METRICS_V2_MESSAGES,
  type IOEntry,
  type Metrics as MetricsV2,
  type PSIData,
  type PSIStats,
} from '../proto/messages/metrics-v2.js';
import { countersOf, hugePageSizes, readCount, readKeyed, readText } from './files.js';

/** The counters of memory.stat, by their names there in camelCase; some are read elsewhere. */
const MEMORY_COUNTERS = countersOf(METRICS_V2_MESSAGES[MemoryStat]);

type Metrics = Partial<MetricsV2>;

/** Reads the metrics of a cgroup on v2 (kernel, Documentation/admin-guide/cgroup-v2.rst). */
export function readMetricsV2(directory: string): Metrics {
  return {
    pids: {
      current: readCount(directory, 'pids.current'),
      limit: readCount(directory, 'pids.max'),
    },
    cpu: readCpu(directory),
    memory: readMemory(directory),
    io: { usage: parseIo(readText(directory, 'io.stat')), ...readPressure(directory, 'io') },
    hugetlb: readHugetlb(directory),
    memoryEvents: readEvents(directory),
  };
}

function readCpu(directory: string): NonNullable<Metrics['cpu']> {
  const stat = readKeyed(directory, 'cpu.stat');
  return {
    usageUsec: stat('usage_usec'),
    userUsec: stat('user_usec'),
    systemUsec: stat('system_usec'),
    nrPeriods: stat('nr_periods'),
    nrThrottled: stat('nr_throttled'),
    throttledUsec: stat('throttled_usec'),
    nrBursts: stat('nr_bursts'),
    burstUsec: stat('burst_usec'),
    ...readPressure(directory, 'cpu'),
  };
}

function readMemory(directory: string): NonNullable<Metrics['memory']> {
  const stat = readKeyed(directory, 'memory.stat');
  const counters = MEMORY_COUNTERS.map((field) => {
    const name = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    // Since Linux 5.9 the working set is counted separately for anonymous memory and files.
    return [field, stat(name, `${name}_anon`, `${name}_file`)] as const;
  });
  return {
    ...(Object.fromEntries(counters) as Record<(typeof MEMORY_COUNTERS)[number], bigint>),
    usage: readCount(directory, 'memory.current'),
    usageLimit: readCount(directory, 'memory.max'),
    swapUsage: readCount(directory, 'memory.swap.current'),
    swapLimit: readCount(directory, 'memory.swap.max'),
    maxUsage: readCount(directory, 'memory.peak'),
    swapMaxUsage: readCount(directory, 'memory.swap.peak'),
    ...readPressure(directory, 'memory'),
  };
}

function readEvents(directory: string): NonNullable<Metrics['memoryEvents']> {
  const events = readKeyed(directory, 'memory.events');
  return {
    low: events('low'),
    high: events('high'),
    max: events('max'),
    oom: events('oom'),
    oomKill: events('oom_kill'),
    oomGroupKill: events('oom_group_kill'),
  };
}

function readHugetlb(directory: string): NonNullable<Metrics['hugetlb']> {
  return hugePageSizes(directory).map((pagesize) => ({
    current: readCount(directory, `hugetlb.${pagesize}.current`),
    max: readCount(directory, `hugetlb.${pagesize}.max`),
    pagesize,
    failcnt: readKeyed(directory, `hugetlb.${pagesize}.events`)('max'),
  }));
}

/** io.stat: lines such as `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`. Pure. */
export function parseIo(text: string): Partial<IOEntry>[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor] = /^(\d+):(\d+) /.exec(line) ?? [];
    if (major === undefined || minor === undefined) return [];
    const count = (name: string): bigint =>
      BigInt(new RegExp(` ${name}=(\\d+)`).exec(line)?.[1] ?? 0);
    return {
      major: BigInt(major),
      minor: BigInt(minor),
      rbytes: count('rbytes'),
      wbytes: count('wbytes'),
      rios: count('rios'),
      wios: count('wios'),
    };
  });
}

/** Pressure stall information (kernel, Documentation/accounting/psi.rst), if there is any. */
function readPressure(directory: string, resource: string): { readonly psi?: Partial<PSIStats> } {
  const text = readText(directory, `${resource}.pressure`);
  if (text === '') return {};
  const [some, full] = [parsePressure(text, 'some'), parsePressure(text, 'full')];
  return { psi: { ...(some && { some }), ...(full && { full }) } };
}

/** The line of a pressure file that begins with `kind`. Pure. */
export function parsePressure(text: string, kind: 'some' | 'full'): Partial<PSIData> | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${kind} `));
  if (line === undefined) return undefined;
  const values = new Map(
    [...line.matchAll(/(\w+)=([\d.]+)/g)].map((match) => [match[1], match[2]]),
  );
  return {
    avg10: Number(values.get('avg10') ?? 0),
    avg60: Number(values.get('avg60') ?? 0),
    avg300: Number(values.get('avg300') ?? 0),
    total: BigInt(values.get('total') ?? 0),
  };
}
