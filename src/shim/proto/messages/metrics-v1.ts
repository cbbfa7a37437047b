// SPDX-License-Identifier: Apache-2.0
// Generated from proto/cgroups/v1.proto; do not edit.
/** Metrics of a container on cgroup v1, as containerd's clients read them from a Stats response. */
import type { MessageTables } from '../../../common/wire/tables.js';

/** `io.containerd.cgroups.v1.Metrics`. */
export interface Metrics {
  hugetlb: readonly Partial<HugetlbStat>[];
  pids?: Partial<PidsStat> | undefined;
  cpu?: Partial<CPUStat> | undefined;
  memory?: Partial<MemoryStat> | undefined;
  blkio?: Partial<BlkIOStat> | undefined;
  memoryOomControl?: Partial<MemoryOomControl> | undefined;
}

export const Metrics = 'io.containerd.cgroups.v1.Metrics';

/** `io.containerd.cgroups.v1.HugetlbStat`. */
export interface HugetlbStat {
  usage: bigint;
  max: bigint;
  failcnt: bigint;
  pagesize: string;
}

export const HugetlbStat = 'io.containerd.cgroups.v1.HugetlbStat';

/** `io.containerd.cgroups.v1.PidsStat`. */
export interface PidsStat {
  current: bigint;

  /** 0: none */
  limit: bigint;
}

export const PidsStat = 'io.containerd.cgroups.v1.PidsStat';

/** `io.containerd.cgroups.v1.CPUStat`. */
export interface CPUStat {
  usage?: Partial<CPUUsage> | undefined;
  throttling?: Partial<Throttle> | undefined;
}

export const CPUStat = 'io.containerd.cgroups.v1.CPUStat';

/** Nanoseconds. */
export interface CPUUsage {
  total: bigint;
  kernel: bigint;
  user: bigint;
  perCpu: readonly bigint[];
}

export const CPUUsage = 'io.containerd.cgroups.v1.CPUUsage';

/** `io.containerd.cgroups.v1.Throttle`. */
export interface Throttle {
  periods: bigint;
  throttledPeriods: bigint;
  throttledTime: bigint;
}

export const Throttle = 'io.containerd.cgroups.v1.Throttle';

/** `io.containerd.cgroups.v1.MemoryStat`. */
export interface MemoryStat {
  cache: bigint;
  rss: bigint;
  rssHuge: bigint;
  mappedFile: bigint;
  dirty: bigint;
  writeback: bigint;
  pgPgIn: bigint;
  pgPgOut: bigint;
  pgFault: bigint;
  pgMajFault: bigint;
  inactiveAnon: bigint;
  activeAnon: bigint;
  inactiveFile: bigint;
  activeFile: bigint;
  unevictable: bigint;
  hierarchicalMemoryLimit: bigint;
  hierarchicalSwapLimit: bigint;
  totalCache: bigint;
  totalRss: bigint;
  totalRssHuge: bigint;
  totalMappedFile: bigint;
  totalDirty: bigint;
  totalWriteback: bigint;
  totalPgPgIn: bigint;
  totalPgPgOut: bigint;
  totalPgFault: bigint;
  totalPgMajFault: bigint;
  totalInactiveAnon: bigint;
  totalActiveAnon: bigint;
  totalInactiveFile: bigint;
  totalActiveFile: bigint;
  totalUnevictable: bigint;
  usage?: Partial<MemoryEntry> | undefined;
  swap?: Partial<MemoryEntry> | undefined;
  kernel?: Partial<MemoryEntry> | undefined;
  kernelTcp?: Partial<MemoryEntry> | undefined;
}

export const MemoryStat = 'io.containerd.cgroups.v1.MemoryStat';

/** `io.containerd.cgroups.v1.MemoryEntry`. */
export interface MemoryEntry {
  limit: bigint;
  usage: bigint;
  max: bigint;
  failcnt: bigint;
}

export const MemoryEntry = 'io.containerd.cgroups.v1.MemoryEntry';

/** `io.containerd.cgroups.v1.MemoryOomControl`. */
export interface MemoryOomControl {
  oomKillDisable: bigint;
  underOom: bigint;
  oomKill: bigint;
}

export const MemoryOomControl = 'io.containerd.cgroups.v1.MemoryOomControl';

/** `io.containerd.cgroups.v1.BlkIOStat`. */
export interface BlkIOStat {
  ioServiceBytesRecursive: readonly Partial<BlkIOEntry>[];
  ioServicedRecursive: readonly Partial<BlkIOEntry>[];
}

export const BlkIOStat = 'io.containerd.cgroups.v1.BlkIOStat';

/** `io.containerd.cgroups.v1.BlkIOEntry`. */
export interface BlkIOEntry {
  op: string;
  device: string;
  major: bigint;
  minor: bigint;
  value: bigint;
}

export const BlkIOEntry = 'io.containerd.cgroups.v1.BlkIOEntry';

/** Field tables of this file's messages. */
export const METRICS_V1_MESSAGES = {
  'io.containerd.cgroups.v1.Metrics': [
    ['hugetlb', 1, 'repeated', 'io.containerd.cgroups.v1.HugetlbStat'],
    ['pids', 2, 'optional', 'io.containerd.cgroups.v1.PidsStat'],
    ['cpu', 3, 'optional', 'io.containerd.cgroups.v1.CPUStat'],
    ['memory', 4, 'optional', 'io.containerd.cgroups.v1.MemoryStat'],
    ['blkio', 5, 'optional', 'io.containerd.cgroups.v1.BlkIOStat'],
    ['memoryOomControl', 9, 'optional', 'io.containerd.cgroups.v1.MemoryOomControl'],
  ],
  'io.containerd.cgroups.v1.HugetlbStat': [
    ['usage', 1, 'implicit', 'uint64'],
    ['max', 2, 'implicit', 'uint64'],
    ['failcnt', 3, 'implicit', 'uint64'],
    ['pagesize', 4, 'implicit', 'string'],
  ],
  'io.containerd.cgroups.v1.PidsStat': [
    ['current', 1, 'implicit', 'uint64'],
    ['limit', 2, 'implicit', 'uint64'],
  ],
  'io.containerd.cgroups.v1.CPUStat': [
    ['usage', 1, 'optional', 'io.containerd.cgroups.v1.CPUUsage'],
    ['throttling', 2, 'optional', 'io.containerd.cgroups.v1.Throttle'],
  ],
  'io.containerd.cgroups.v1.CPUUsage': [
    ['total', 1, 'implicit', 'uint64'],
    ['kernel', 2, 'implicit', 'uint64'],
    ['user', 3, 'implicit', 'uint64'],
    ['perCpu', 4, 'packed', 'uint64'],
  ],
  'io.containerd.cgroups.v1.Throttle': [
    ['periods', 1, 'implicit', 'uint64'],
    ['throttledPeriods', 2, 'implicit', 'uint64'],
    ['throttledTime', 3, 'implicit', 'uint64'],
  ],
  'io.containerd.cgroups.v1.MemoryStat': [
    ['cache', 1, 'implicit', 'uint64'],
    ['rss', 2, 'implicit', 'uint64'],
    ['rssHuge', 3, 'implicit', 'uint64'],
    ['mappedFile', 4, 'implicit', 'uint64'],
    ['dirty', 5, 'implicit', 'uint64'],
    ['writeback', 6, 'implicit', 'uint64'],
    ['pgPgIn', 7, 'implicit', 'uint64'],
    ['pgPgOut', 8, 'implicit', 'uint64'],
    ['pgFault', 9, 'implicit', 'uint64'],
    ['pgMajFault', 10, 'implicit', 'uint64'],
    ['inactiveAnon', 11, 'implicit', 'uint64'],
    ['activeAnon', 12, 'implicit', 'uint64'],
    ['inactiveFile', 13, 'implicit', 'uint64'],
    ['activeFile', 14, 'implicit', 'uint64'],
    ['unevictable', 15, 'implicit', 'uint64'],
    ['hierarchicalMemoryLimit', 16, 'implicit', 'uint64'],
    ['hierarchicalSwapLimit', 17, 'implicit', 'uint64'],
    ['totalCache', 18, 'implicit', 'uint64'],
    ['totalRss', 19, 'implicit', 'uint64'],
    ['totalRssHuge', 20, 'implicit', 'uint64'],
    ['totalMappedFile', 21, 'implicit', 'uint64'],
    ['totalDirty', 22, 'implicit', 'uint64'],
    ['totalWriteback', 23, 'implicit', 'uint64'],
    ['totalPgPgIn', 24, 'implicit', 'uint64'],
    ['totalPgPgOut', 25, 'implicit', 'uint64'],
    ['totalPgFault', 26, 'implicit', 'uint64'],
    ['totalPgMajFault', 27, 'implicit', 'uint64'],
    ['totalInactiveAnon', 28, 'implicit', 'uint64'],
    ['totalActiveAnon', 29, 'implicit', 'uint64'],
    ['totalInactiveFile', 30, 'implicit', 'uint64'],
    ['totalActiveFile', 31, 'implicit', 'uint64'],
    ['totalUnevictable', 32, 'implicit', 'uint64'],
    ['usage', 33, 'optional', 'io.containerd.cgroups.v1.MemoryEntry'],
    ['swap', 34, 'optional', 'io.containerd.cgroups.v1.MemoryEntry'],
    ['kernel', 35, 'optional', 'io.containerd.cgroups.v1.MemoryEntry'],
    ['kernelTcp', 36, 'optional', 'io.containerd.cgroups.v1.MemoryEntry'],
  ],
  'io.containerd.cgroups.v1.MemoryEntry': [
    ['limit', 1, 'implicit', 'uint64'],
    ['usage', 2, 'implicit', 'uint64'],
    ['max', 3, 'implicit', 'uint64'],
    ['failcnt', 4, 'implicit', 'uint64'],
  ],
  'io.containerd.cgroups.v1.MemoryOomControl': [
    ['oomKillDisable', 1, 'implicit', 'uint64'],
    ['underOom', 2, 'implicit', 'uint64'],
    ['oomKill', 3, 'implicit', 'uint64'],
  ],
  'io.containerd.cgroups.v1.BlkIOStat': [
    ['ioServiceBytesRecursive', 1, 'repeated', 'io.containerd.cgroups.v1.BlkIOEntry'],
    ['ioServicedRecursive', 2, 'repeated', 'io.containerd.cgroups.v1.BlkIOEntry'],
  ],
  'io.containerd.cgroups.v1.BlkIOEntry': [
    ['op', 1, 'implicit', 'string'],
    ['device', 2, 'implicit', 'string'],
    ['major', 3, 'implicit', 'uint64'],
    ['minor', 4, 'implicit', 'uint64'],
    ['value', 5, 'implicit', 'uint64'],
  ],
} as const satisfies MessageTables;
