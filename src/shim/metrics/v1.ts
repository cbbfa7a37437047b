// SPDX-License-Identifier: Apache-2.0
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { NANOSECONDS_PER_TICK } from '../../native/abi/index.js';
import {
  MemoryStat,
  METRICS_V1_MESSAGES,
  type BlkIOEntry,
  type MemoryEntry,
  type Metrics as MetricsV1,
} from '../proto/messages/metrics-v1.js';
import {
  countersOf,
  hugePageSizes,
  parseCount,
  readCount,
  readKeyed,
  readText,
  UNLIMITED,
} from './files.js';

/** The counters of memory.stat. */
const MEMORY_COUNTERS = countersOf(METRICS_V1_MESSAGES[MemoryStat]);

/** Spellings in memory.stat that are not the field's name in snake_case. */
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/pg_pg_in$/, 'pgpgin'],
  [/pg_pg_out$/, 'pgpgout'],
  [/pg_fault$/, 'pgfault'],
  [/pg_maj_fault$/, 'pgmajfault'],
  [/^hierarchical_swap_limit$/, 'hierarchical_memsw_limit'],
];

/** Directories by controller. */
type Directories = ReadonlyMap<string, string>;
type Metrics = Partial<MetricsV1>;

/**
 * Reads the metrics of a cgroup on v1 (kernel, Documentation/admin-guide/cgroup-v1). Memory is always present, as
 * `ctr` expects, even if it is all zeros.
 */
export function readMetricsV1(directories: Directories): Metrics {
  const memory = directories.get('memory');
  const oom = readKeyed(memory, 'memory.oom_control');
  return {
    hugetlb: readHugetlb(directories.get('hugetlb')),
    pids: readPids(directories.get('pids')),
    cpu: readCpu(directories),
    memory: readMemory(memory),
    blkio: readBlkio(directories.get('blkio')),
    memoryOomControl: {
      oomKillDisable: oom('oom_kill_disable'),
      underOom: oom('under_oom'),
      oomKill: oom('oom_kill'),
    },
  };
}

function readPids(directory: string | undefined): NonNullable<Metrics['pids']> {
  const limit = readCount(directory, 'pids.max');
  return { current: readCount(directory, 'pids.current'), limit: limit === UNLIMITED ? 0n : limit };
}

function readCpu(directories: Directories): NonNullable<Metrics['cpu']> {
  const usage = directories.get('cpuacct');
  const ticks = readKeyed(usage, 'cpuacct.stat');
  const throttling = readKeyed(directories.get('cpu'), 'cpu.stat');
  return {
    usage: {
      total: readCount(usage, 'cpuacct.usage'),
      kernel: ticks('system') * NANOSECONDS_PER_TICK,
      user: ticks('user') * NANOSECONDS_PER_TICK,
      perCpu: readText(usage, 'cpuacct.usage_percpu').split(' ').filter(isNumber).map(parseCount),
    },
    throttling: {
      periods: throttling('nr_periods'),
      throttledPeriods: throttling('nr_throttled'),
      throttledTime: throttling('throttled_time'),
    },
  };
}

function isNumber(word: string): boolean {
  return /\d/.test(word);
}

function readMemory(directory: string | undefined): NonNullable<Metrics['memory']> {
  const stat = readKeyed(directory, 'memory.stat');
  const counters = MEMORY_COUNTERS.map((name) => [name, stat(nameInStat(name))] as const);
  return {
    ...(Object.fromEntries(counters) as Record<(typeof MEMORY_COUNTERS)[number], bigint>),
    usage: readEntry(directory, 'memory'),
    swap: readEntry(directory, 'memory.memsw'),
    kernel: readEntry(directory, 'memory.kmem'),
    kernelTcp: readEntry(directory, 'memory.kmem.tcp'),
  };
}

function nameInStat(field: string): string {
  const snake = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return SPELLINGS.reduce((name, [from, to]) => name.replace(from, to), snake);
}

function readEntry(directory: string | undefined, prefix: string): Partial<MemoryEntry> {
  return {
    limit: readCount(directory, `${prefix}.limit_in_bytes`),
    usage: readCount(directory, `${prefix}.usage_in_bytes`),
    max: readCount(directory, `${prefix}.max_usage_in_bytes`),
    failcnt: readCount(directory, `${prefix}.failcnt`),
  };
}

function readHugetlb(directory: string | undefined): NonNullable<Metrics['hugetlb']> {
  return hugePageSizes(directory).map((pagesize) => ({
    usage: readCount(directory, `hugetlb.${pagesize}.usage_in_bytes`),
    max: readCount(directory, `hugetlb.${pagesize}.max_usage_in_bytes`),
    failcnt: readCount(directory, `hugetlb.${pagesize}.failcnt`),
    pagesize,
  }));
}

function readBlkio(directory: string | undefined): NonNullable<Metrics['blkio']> {
  const bytes = readText(directory, 'blkio.throttle.io_service_bytes_recursive');
  const operations = readText(directory, 'blkio.throttle.io_serviced_recursive');
  return {
    ioServiceBytesRecursive: parseBlkio(bytes, deviceName),
    ioServicedRecursive: parseBlkio(operations, deviceName),
  };
}

/** Lines such as `8:0 Read 4096`; the sum at the end is left out. Pure except for `nameOf`. */
export function parseBlkio(
  text: string,
  nameOf: (device: string) => string,
): Partial<BlkIOEntry>[] {
  const lines = text.split('\n').map((line) => /^((\d+):(\d+)) (\w+) (\d+)$/.exec(line));
  return lines
    .filter((line) => line !== null)
    .map(([, device = '', major = '', minor = '', op = '', value = '']) => ({
      op,
      device: nameOf(device),
      major: BigInt(major),
      minor: BigInt(minor),
      value: BigInt(value),
    }));
}

/** `/dev/NAME` of a block device; empty if it is gone. */
function deviceName(device: string): string {
  try {
    return `/dev/${basename(readlinkSync(`/sys/dev/block/${device}`))}`;
  } catch {
    return '';
  }
}
