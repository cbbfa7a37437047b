// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/mm.proto; do not edit.
/** Address spaces: layout, mappings, stored pages. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** One mapping; `shmid` is a file id for file mappings, a segment id for shared ones. */
export interface VmaEntry {
  start: bigint;
  end: bigint;
  pgoff: bigint;
  shmid: bigint;
  prot: number;
  flags: number;
  status: number;
  fd: bigint;
  madv?: bigint | undefined;
  fdflags?: number | undefined;

  /** Where in the VAS this memory lies, when not at `start`. */
  mvas_park?: bigint | undefined;

  /** Name as /proc/PID/maps shows it: a path, `[heap]`, `[anon:...]`. */
  mvas_name?: string | undefined;

  /** Pairs of first page and page count, relative to `start`: the pages that the VAS holds. */
  mvas_runs: bigint[];

  /** Bytes of a shared anonymous object, in the first of the entries that map it; its runs are there, too. */
  mvas_size?: bigint | undefined;

  /** The process begins with what the one that forks it has here; `mvas_runs` are the pages that differ. */
  mvas_heritage?: MvasHeritage | undefined;

  /** Its memory protection key (pkeys(7)), if that is not 0. */
  mvas_pkey?: number | undefined;
}

/** What of its forker's memory a process does not have. */
export interface MvasHeritage {
  /** Pairs of first page and page count, relative to the mapping's start. */
  holes: bigint[];
}

/** Memory protection keys of a process. */
export interface MvasProtectionKeys {
  /** Bit N: key N is allocated by the process; without the one of the kernel's own. */
  allocated: number;

  /** The key that the kernel gives memory that may only be executed. */
  execute_only?: number | undefined;
}

/** A ring of io_setup(2). */
export interface AioRingEntry {
  id: bigint;
  nr_req: number;
  ring_len: number;
}

/** The address space of a process. */
export interface MmEntry {
  mm_start_code: bigint;
  mm_end_code: bigint;
  mm_start_data: bigint;
  mm_end_data: bigint;
  mm_start_stack: bigint;
  mm_start_brk: bigint;
  mm_brk: bigint;
  mm_arg_start: bigint;
  mm_arg_end: bigint;
  mm_env_start: bigint;
  mm_env_end: bigint;
  exe_file_id: number;
  mm_saved_auxv: bigint[];
  vmas: VmaEntry[];
  dumpable?: number | undefined;
  aios: AioRingEntry[];
  thp_disabled?: boolean | undefined;

  /** Missing if it has no key but 0, and no memory with another one. */
  mvas_pkeys?: MvasProtectionKeys | undefined;
}

/** First entry of a pagemap file: which pages file it describes. */
export interface PagemapHead {
  pages_id: number;
}

/** A run of pages. */
export interface PagemapEntry {
  vaddr: bigint;
  compat_nr_pages: number;
  in_parent?: boolean | undefined;
  flags?: number | undefined;
  nr_pages?: bigint | undefined;
}

/** Field tables of this file's messages. */
export const MM_MESSAGES = {
  vma_entry: [
    ['start', 1, 'required', 'uint64'],
    ['end', 2, 'required', 'uint64'],
    ['pgoff', 3, 'required', 'uint64'],
    ['shmid', 4, 'required', 'uint64'],
    ['prot', 5, 'required', 'uint32'],
    ['flags', 6, 'required', 'uint32'],
    ['status', 7, 'required', 'uint32'],
    ['fd', 8, 'required', 'sint64'],
    ['madv', 9, 'optional', 'uint64'],
    ['fdflags', 10, 'optional', 'uint32'],
    ['mvas_park', 10000, 'optional', 'uint64'],
    ['mvas_name', 10001, 'optional', 'string'],
    ['mvas_runs', 10002, 'packed', 'uint64'],
    ['mvas_size', 10003, 'optional', 'uint64'],
    ['mvas_heritage', 10004, 'optional', 'mvas_heritage'],
    ['mvas_pkey', 10005, 'optional', 'uint32'],
  ],
  mvas_heritage: [['holes', 1, 'packed', 'uint64']],
  mvas_protection_keys: [
    ['allocated', 1, 'required', 'uint32'],
    ['execute_only', 2, 'optional', 'uint32'],
  ],
  aio_ring_entry: [
    ['id', 1, 'required', 'uint64'],
    ['nr_req', 2, 'required', 'uint32'],
    ['ring_len', 3, 'required', 'uint32'],
  ],
  mm_entry: [
    ['mm_start_code', 1, 'required', 'uint64'],
    ['mm_end_code', 2, 'required', 'uint64'],
    ['mm_start_data', 3, 'required', 'uint64'],
    ['mm_end_data', 4, 'required', 'uint64'],
    ['mm_start_stack', 5, 'required', 'uint64'],
    ['mm_start_brk', 6, 'required', 'uint64'],
    ['mm_brk', 7, 'required', 'uint64'],
    ['mm_arg_start', 8, 'required', 'uint64'],
    ['mm_arg_end', 9, 'required', 'uint64'],
    ['mm_env_start', 10, 'required', 'uint64'],
    ['mm_env_end', 11, 'required', 'uint64'],
    ['exe_file_id', 12, 'required', 'uint32'],
    ['mm_saved_auxv', 13, 'repeated', 'uint64'],
    ['vmas', 14, 'repeated', 'vma_entry'],
    ['dumpable', 15, 'optional', 'int32'],
    ['aios', 16, 'repeated', 'aio_ring_entry'],
    ['thp_disabled', 17, 'optional', 'bool'],
    ['mvas_pkeys', 10000, 'optional', 'mvas_protection_keys'],
  ],
  pagemap_head: [['pages_id', 1, 'required', 'uint32']],
  pagemap_entry: [
    ['vaddr', 1, 'required', 'uint64'],
    ['compat_nr_pages', 2, 'required', 'uint32'],
    ['in_parent', 3, 'optional', 'bool'],
    ['flags', 4, 'optional', 'uint32'],
    ['nr_pages', 5, 'optional', 'uint64'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const MM_ENUMS = {} as const satisfies EnumTables;
