// SPDX-License-Identifier: Apache-2.0
import { counters, field, message } from './codec.js';

/** Messages of package `io.containerd.cgroups.v2`: metrics of a container on cgroup v2. */

export const METRICS_V2_URL = 'io.containerd.cgroups.v2.Metrics';

export const PsiData = message({
  avg10: field.double(1),
  avg60: field.double(2),
  avg300: field.double(3),
  total: field.uint64(4),
});

export const PsiStats = message({
  some: field.message(1, PsiData),
  full: field.message(2, PsiData),
});

export const PidsStat = message(counters(1, ['current', 'limit']));

/** Microseconds. */
export const CpuStat = message({
  ...counters(1, ['usageUsec', 'userUsec', 'systemUsec']),
  ...counters(4, ['nrPeriods', 'nrThrottled', 'throttledUsec']),
  psi: field.message(7, PsiStats),
  ...counters(8, ['nrBursts', 'burstUsec']),
});

/** The counters of memory.stat, by the names they have there, in camelCase. */
export const MEMORY_COUNTERS = [
  'anon',
  'file',
  'kernelStack',
  'slab',
  'sock',
  'shmem',
  'fileMapped',
  'fileDirty',
  'fileWriteback',
  'anonThp',
  'inactiveAnon',
  'activeAnon',
  'inactiveFile',
  'activeFile',
  'unevictable',
  'slabReclaimable',
  'slabUnreclaimable',
  'pgfault',
  'pgmajfault',
  'workingsetRefault',
  'workingsetActivate',
  'workingsetNodereclaim',
  'pgrefill',
  'pgscan',
  'pgsteal',
  'pgactivate',
  'pgdeactivate',
  'pglazyfree',
  'pglazyfreed',
  'thpFaultAlloc',
  'thpCollapseAlloc',
] as const;

export const MemoryStat = message({
  ...counters(1, MEMORY_COUNTERS),
  ...counters(32, ['usage', 'usageLimit', 'swapUsage', 'swapLimit', 'maxUsage', 'swapMaxUsage']),
  psi: field.message(38, PsiStats),
});

export const MemoryEvents = message(
  counters(1, ['low', 'high', 'max', 'oom', 'oomKill', 'oomGroupKill']),
);

export const IoEntry = message(counters(1, ['major', 'minor', 'rbytes', 'wbytes', 'rios', 'wios']));

export const IoStat = message({
  usage: field.messages(1, IoEntry),
  psi: field.message(2, PsiStats),
});

export const HugeTlbStat = message({
  ...counters(1, ['current', 'max']),
  pagesize: field.string(3),
  failcnt: field.uint64(4),
});

export const MetricsV2 = message({
  pids: field.message(1, PidsStat),
  cpu: field.message(2, CpuStat),
  memory: field.message(4, MemoryStat),
  io: field.message(6, IoStat),
  hugetlb: field.messages(7, HugeTlbStat),
  memoryEvents: field.message(8, MemoryEvents),
});
