// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/stats.proto; do not edit.
/** Statistics of a checkpoint or a restore: stats-dump and stats-restore. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** Times in microseconds and page counts of a checkpoint. */
export interface DumpStatsEntry {
  freezing_time: number;
  frozen_time: number;
  memdump_time: number;
  memwrite_time: number;
  pages_scanned: bigint;
  pages_skipped_parent: bigint;
  pages_written: bigint;
  irmap_resolve?: number | undefined;
  pages_lazy: bigint;
  page_pipes?: bigint | undefined;
  page_pipe_bufs?: bigint | undefined;
  shpages_scanned?: bigint | undefined;
  shpages_skipped_parent?: bigint | undefined;
  shpages_written?: bigint | undefined;
}

/** Times in microseconds and page counts of a restore. */
export interface RestoreStatsEntry {
  pages_compared: bigint;
  pages_skipped_cow: bigint;
  forking_time: number;
  restore_time: number;
  pages_restored?: bigint | undefined;
}

/** One of both. */
export interface StatsEntry {
  dump?: DumpStatsEntry | undefined;
  restore?: RestoreStatsEntry | undefined;
}

/** Field tables of this file's messages. */
export const STATS_MESSAGES = {
  dump_stats_entry: [
    ['freezing_time', 1, 'required', 'uint32'],
    ['frozen_time', 2, 'required', 'uint32'],
    ['memdump_time', 3, 'required', 'uint32'],
    ['memwrite_time', 4, 'required', 'uint32'],
    ['pages_scanned', 5, 'required', 'uint64'],
    ['pages_skipped_parent', 6, 'required', 'uint64'],
    ['pages_written', 7, 'required', 'uint64'],
    ['irmap_resolve', 8, 'optional', 'uint32'],
    ['pages_lazy', 9, 'required', 'uint64'],
    ['page_pipes', 10, 'optional', 'uint64'],
    ['page_pipe_bufs', 11, 'optional', 'uint64'],
    ['shpages_scanned', 12, 'optional', 'uint64'],
    ['shpages_skipped_parent', 13, 'optional', 'uint64'],
    ['shpages_written', 14, 'optional', 'uint64'],
  ],
  restore_stats_entry: [
    ['pages_compared', 1, 'required', 'uint64'],
    ['pages_skipped_cow', 2, 'required', 'uint64'],
    ['forking_time', 3, 'required', 'uint32'],
    ['restore_time', 4, 'required', 'uint32'],
    ['pages_restored', 5, 'optional', 'uint64'],
  ],
  stats_entry: [
    ['dump', 1, 'optional', 'dump_stats_entry'],
    ['restore', 2, 'optional', 'restore_stats_entry'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const STATS_ENUMS = {} as const satisfies EnumTables;
