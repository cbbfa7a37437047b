// SPDX-License-Identifier: Apache-2.0
// Generated from proto/cgroups/v2.proto; do not edit.
/** Metrics of a container on cgroup v2, as containerd's clients read them from a Stats response. */
import type { MessageTables } from '../../../common/wire/tables.js';

/** `io.containerd.cgroups.v2.Metrics`. */
export interface Metrics {
  pids?: Partial<PidsStat> | undefined;
  cpu?: Partial<CPUStat> | undefined;
  memory?: Partial<MemoryStat> | undefined;
  io?: Partial<IOStat> | undefined;
  hugetlb: readonly Partial<HugeTlbStat>[];
  memoryEvents?: Partial<MemoryEvents> | undefined;
}

export const Metrics = 'io.containerd.cgroups.v2.Metrics';

/** `io.containerd.cgroups.v2.PSIData`. */
export interface PSIData {
  avg10: number;
  avg60: number;
  avg300: number;
  total: bigint;
}

export const PSIData = 'io.containerd.cgroups.v2.PSIData';

/** `io.containerd.cgroups.v2.PSIStats`. */
export interface PSIStats {
  some?: Partial<PSIData> | undefined;
  full?: Partial<PSIData> | undefined;
}

export const PSIStats = 'io.containerd.cgroups.v2.PSIStats';

/** `io.containerd.cgroups.v2.PidsStat`. */
export interface PidsStat {
  current: bigint;
  limit: bigint;
}

export const PidsStat = 'io.containerd.cgroups.v2.PidsStat';

/** Microseconds. */
export interface CPUStat {
  usageUsec: bigint;
  userUsec: bigint;
  systemUsec: bigint;
  nrPeriods: bigint;
  nrThrottled: bigint;
  throttledUsec: bigint;
  psi?: Partial<PSIStats> | undefined;
  nrBursts: bigint;
  burstUsec: bigint;
}

export const CPUStat = 'io.containerd.cgroups.v2.CPUStat';

/** `io.containerd.cgroups.v2.MemoryStat`. */
export interface MemoryStat {
  anon: bigint;
  file: bigint;
  kernelStack: bigint;
  slab: bigint;
  sock: bigint;
  shmem: bigint;
  fileMapped: bigint;
  fileDirty: bigint;
  fileWriteback: bigint;
  anonThp: bigint;
  inactiveAnon: bigint;
  activeAnon: bigint;
  inactiveFile: bigint;
  activeFile: bigint;
  unevictable: bigint;
  slabReclaimable: bigint;
  slabUnreclaimable: bigint;
  pgfault: bigint;
  pgmajfault: bigint;
  workingsetRefault: bigint;
  workingsetActivate: bigint;
  workingsetNodereclaim: bigint;
  pgrefill: bigint;
  pgscan: bigint;
  pgsteal: bigint;
  pgactivate: bigint;
  pgdeactivate: bigint;
  pglazyfree: bigint;
  pglazyfreed: bigint;
  thpFaultAlloc: bigint;
  thpCollapseAlloc: bigint;
  usage: bigint;
  usageLimit: bigint;
  swapUsage: bigint;
  swapLimit: bigint;
  maxUsage: bigint;
  swapMaxUsage: bigint;
  psi?: Partial<PSIStats> | undefined;
}

export const MemoryStat = 'io.containerd.cgroups.v2.MemoryStat';

/** `io.containerd.cgroups.v2.MemoryEvents`. */
export interface MemoryEvents {
  low: bigint;
  high: bigint;
  max: bigint;
  oom: bigint;
  oomKill: bigint;
  oomGroupKill: bigint;
}

export const MemoryEvents = 'io.containerd.cgroups.v2.MemoryEvents';

/** `io.containerd.cgroups.v2.IOStat`. */
export interface IOStat {
  usage: readonly Partial<IOEntry>[];
  psi?: Partial<PSIStats> | undefined;
}

export const IOStat = 'io.containerd.cgroups.v2.IOStat';

/** `io.containerd.cgroups.v2.IOEntry`. */
export interface IOEntry {
  major: bigint;
  minor: bigint;
  rbytes: bigint;
  wbytes: bigint;
  rios: bigint;
  wios: bigint;
}

export const IOEntry = 'io.containerd.cgroups.v2.IOEntry';

/** `io.containerd.cgroups.v2.HugeTlbStat`. */
export interface HugeTlbStat {
  current: bigint;
  max: bigint;
  pagesize: string;
  failcnt: bigint;
}

export const HugeTlbStat = 'io.containerd.cgroups.v2.HugeTlbStat';

/** Field tables of this file's messages. */
export const METRICS_V2_MESSAGES = {
  'io.containerd.cgroups.v2.Metrics': [
    ['pids', 1, 'optional', 'io.containerd.cgroups.v2.PidsStat'],
    ['cpu', 2, 'optional', 'io.containerd.cgroups.v2.CPUStat'],
    ['memory', 4, 'optional', 'io.containerd.cgroups.v2.MemoryStat'],
    ['io', 6, 'optional', 'io.containerd.cgroups.v2.IOStat'],
    ['hugetlb', 7, 'repeated', 'io.containerd.cgroups.v2.HugeTlbStat'],
    ['memoryEvents', 8, 'optional', 'io.containerd.cgroups.v2.MemoryEvents'],
  ],
  'io.containerd.cgroups.v2.PSIData': [
    ['avg10', 1, 'implicit', 'double'],
    ['avg60', 2, 'implicit', 'double'],
    ['avg300', 3, 'implicit', 'double'],
    ['total', 4, 'implicit', 'uint64'],
  ],
  'io.containerd.cgroups.v2.PSIStats': [
    ['some', 1, 'optional', 'io.containerd.cgroups.v2.PSIData'],
    ['full', 2, 'optional', 'io.containerd.cgroups.v2.PSIData'],
  ],
  'io.containerd.cgroups.v2.PidsStat': [
    ['current', 1, 'implicit', 'uint64'],
    ['limit', 2, 'implicit', 'uint64'],
  ],
  'io.containerd.cgroups.v2.CPUStat': [
    ['usageUsec', 1, 'implicit', 'uint64'],
    ['userUsec', 2, 'implicit', 'uint64'],
    ['systemUsec', 3, 'implicit', 'uint64'],
    ['nrPeriods', 4, 'implicit', 'uint64'],
    ['nrThrottled', 5, 'implicit', 'uint64'],
    ['throttledUsec', 6, 'implicit', 'uint64'],
    ['psi', 7, 'optional', 'io.containerd.cgroups.v2.PSIStats'],
    ['nrBursts', 8, 'implicit', 'uint64'],
    ['burstUsec', 9, 'implicit', 'uint64'],
  ],
  'io.containerd.cgroups.v2.MemoryStat': [
    ['anon', 1, 'implicit', 'uint64'],
    ['file', 2, 'implicit', 'uint64'],
    ['kernelStack', 3, 'implicit', 'uint64'],
    ['slab', 4, 'implicit', 'uint64'],
    ['sock', 5, 'implicit', 'uint64'],
    ['shmem', 6, 'implicit', 'uint64'],
    ['fileMapped', 7, 'implicit', 'uint64'],
    ['fileDirty', 8, 'implicit', 'uint64'],
    ['fileWriteback', 9, 'implicit', 'uint64'],
    ['anonThp', 10, 'implicit', 'uint64'],
    ['inactiveAnon', 11, 'implicit', 'uint64'],
    ['activeAnon', 12, 'implicit', 'uint64'],
    ['inactiveFile', 13, 'implicit', 'uint64'],
    ['activeFile', 14, 'implicit', 'uint64'],
    ['unevictable', 15, 'implicit', 'uint64'],
    ['slabReclaimable', 16, 'implicit', 'uint64'],
    ['slabUnreclaimable', 17, 'implicit', 'uint64'],
    ['pgfault', 18, 'implicit', 'uint64'],
    ['pgmajfault', 19, 'implicit', 'uint64'],
    ['workingsetRefault', 20, 'implicit', 'uint64'],
    ['workingsetActivate', 21, 'implicit', 'uint64'],
    ['workingsetNodereclaim', 22, 'implicit', 'uint64'],
    ['pgrefill', 23, 'implicit', 'uint64'],
    ['pgscan', 24, 'implicit', 'uint64'],
    ['pgsteal', 25, 'implicit', 'uint64'],
    ['pgactivate', 26, 'implicit', 'uint64'],
    ['pgdeactivate', 27, 'implicit', 'uint64'],
    ['pglazyfree', 28, 'implicit', 'uint64'],
    ['pglazyfreed', 29, 'implicit', 'uint64'],
    ['thpFaultAlloc', 30, 'implicit', 'uint64'],
    ['thpCollapseAlloc', 31, 'implicit', 'uint64'],
    ['usage', 32, 'implicit', 'uint64'],
    ['usageLimit', 33, 'implicit', 'uint64'],
    ['swapUsage', 34, 'implicit', 'uint64'],
    ['swapLimit', 35, 'implicit', 'uint64'],
    ['maxUsage', 36, 'implicit', 'uint64'],
    ['swapMaxUsage', 37, 'implicit', 'uint64'],
    ['psi', 38, 'optional', 'io.containerd.cgroups.v2.PSIStats'],
  ],
  'io.containerd.cgroups.v2.MemoryEvents': [
    ['low', 1, 'implicit', 'uint64'],
    ['high', 2, 'implicit', 'uint64'],
    ['max', 3, 'implicit', 'uint64'],
    ['oom', 4, 'implicit', 'uint64'],
    ['oomKill', 5, 'implicit', 'uint64'],
    ['oomGroupKill', 6, 'implicit', 'uint64'],
  ],
  'io.containerd.cgroups.v2.IOStat': [
    ['usage', 1, 'repeated', 'io.containerd.cgroups.v2.IOEntry'],
    ['psi', 2, 'optional', 'io.containerd.cgroups.v2.PSIStats'],
  ],
  'io.containerd.cgroups.v2.IOEntry': [
    ['major', 1, 'implicit', 'uint64'],
    ['minor', 2, 'implicit', 'uint64'],
    ['rbytes', 3, 'implicit', 'uint64'],
    ['wbytes', 4, 'implicit', 'uint64'],
    ['rios', 5, 'implicit', 'uint64'],
    ['wios', 6, 'implicit', 'uint64'],
  ],
  'io.containerd.cgroups.v2.HugeTlbStat': [
    ['current', 1, 'implicit', 'uint64'],
    ['max', 2, 'implicit', 'uint64'],
    ['pagesize', 3, 'implicit', 'string'],
    ['failcnt', 4, 'implicit', 'uint64'],
  ],
} as const satisfies MessageTables;
