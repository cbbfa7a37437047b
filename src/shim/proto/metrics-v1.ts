// SPDX-License-Identifier: Apache-2.0
import { counters, field, message } from './codec.js';

/** Messages of package `io.containerd.cgroups.v1`: metrics of a container on cgroup v1. */

export const METRICS_V1_URL = 'io.containerd.cgroups.v1.Metrics';

export const HugetlbStat = message({
  ...counters(1, ['usage', 'max', 'failcnt']),
  pagesize: field.string(4),
});

/** A limit of 0 is none. */
export const PidsStat = message(counters(1, ['current', 'limit']));

/** Nanoseconds. */
export const CpuUsage = message({
  ...counters(1, ['total', 'kernel', 'user']),
  perCpu: field.uint64s(4),
});

export const Throttle = message(counters(1, ['periods', 'throttledPeriods', 'throttledTime']));

export const CpuStat = message({
  usage: field.message(1, CpuUsage),
  throttling: field.message(2, Throttle),
});

export const MemoryEntry = message(counters(1, ['limit', 'usage', 'max', 'failcnt']));

/** The counters of memory.stat. */
export const MEMORY_COUNTERS = [
  'cache',
  'rss',
  'rssHuge',
  'mappedFile',
  'dirty',
  'writeback',
  'pgPgIn',
  'pgPgOut',
  'pgFault',
  'pgMajFault',
  'inactiveAnon',
  'activeAnon',
  'inactiveFile',
  'activeFile',
  'unevictable',
  'hierarchicalMemoryLimit',
  'hierarchicalSwapLimit',
  'totalCache',
  'totalRss',
  'totalRssHuge',
  'totalMappedFile',
  'totalDirty',
  'totalWriteback',
  'totalPgPgIn',
  'totalPgPgOut',
  'totalPgFault',
  'totalPgMajFault',
  'totalInactiveAnon',
  'totalActiveAnon',
  'totalInactiveFile',
  'totalActiveFile',
  'totalUnevictable',
] as const;

export const MemoryStat = message({
  ...counters(1, MEMORY_COUNTERS),
  usage: field.message(33, MemoryEntry),
  swap: field.message(34, MemoryEntry),
  kernel: field.message(35, MemoryEntry),
  kernelTcp: field.message(36, MemoryEntry),
});

export const BlkIoEntry = message({
  op: field.string(1),
  device: field.string(2),
  ...counters(3, ['major', 'minor', 'value']),
});

export const BlkIoStat = message({
  ioServiceBytesRecursive: field.messages(1, BlkIoEntry),
  ioServicedRecursive: field.messages(2, BlkIoEntry),
});

export const MemoryOomControl = message(counters(1, ['oomKillDisable', 'underOom', 'oomKill']));

export const MetricsV1 = message({
  hugetlb: field.messages(1, HugetlbStat),
  pids: field.message(2, PidsStat),
  cpu: field.message(3, CpuStat),
  memory: field.message(4, MemoryStat),
  blkio: field.message(5, BlkIoStat),
  memoryOomControl: field.message(9, MemoryOomControl),
});
