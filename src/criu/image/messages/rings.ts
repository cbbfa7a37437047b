// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/rings.proto; do not edit.
/** io_urings, and what is registered with them. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type { FownEntry } from './fown.js';

/** An idle io_uring. */
export interface MvasIoUringEntry {
  id: number;
  flags: number;
  fown: FownEntry;

  /** IORING_SETUP_*. */
  setup_flags: number;
  sq_entries: number;
  cq_entries: number;

  /** How many requests it has taken, and completed, modulo 2^32. */
  requests: number;

  /** The memory of both rings with their heads and tails, and that of the submission entries. */
  rings: Uint8Array;
  entries: Uint8Array;

  /** The clock of its waits (clockid_t); CLOCK_MONOTONIC by default. */
  clock?: number | undefined;
  registered?: MvasRingFiles | undefined;

  /** The eventfd that is told of completions. */
  eventfd?: number | undefined;
  eventfd_async?: boolean | undefined;

  /** The only thread that may use it, as the container knows it. */
  issuer?: number | undefined;
  descriptors: MvasRingDescriptor[];
  buffers?: MvasRingBuffers | undefined;
}

/** The table of buffers that are registered with an io_uring, all in the memory of one process. */
export interface MvasRingBuffers {
  size: number;

  /** A thread of that process, as the container knows it. */
  tid: number;
  buffers: MvasRingBuffer[];
}

/** A registered buffer. */
export interface MvasRingBuffer {
  index: number;
  address: bigint;
  length: number;
  tag: bigint;
}

/** The table of files that are registered with an io_uring. */
export interface MvasRingFiles {
  size: number;

  /** The places that the kernel takes by itself: the first, and the one after the last. */
  from: number;
  to: number;
  files: MvasRingFile[];
}

export interface MvasRingFile {
  index: number;
  file: number;

  /** What its removal is reported with. */
  tag: bigint;
}

/** A descriptor of an io_uring that a thread has registered. */
export interface MvasRingDescriptor {
  tid: number;
  index: number;
}

/** Field tables of this file's messages. */
export const RINGS_MESSAGES = {
  mvas_io_uring_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['fown', 3, 'required', 'fown_entry'],
    ['setup_flags', 4, 'required', 'uint32'],
    ['sq_entries', 5, 'required', 'uint32'],
    ['cq_entries', 6, 'required', 'uint32'],
    ['requests', 7, 'required', 'uint32'],
    ['rings', 8, 'required', 'bytes'],
    ['entries', 9, 'required', 'bytes'],
    ['clock', 10, 'optional', 'uint32'],
    ['registered', 11, 'optional', 'mvas_ring_files'],
    ['eventfd', 12, 'optional', 'uint32'],
    ['eventfd_async', 13, 'optional', 'bool'],
    ['issuer', 14, 'optional', 'uint32'],
    ['descriptors', 15, 'repeated', 'mvas_ring_descriptor'],
    ['buffers', 16, 'optional', 'mvas_ring_buffers'],
  ],
  mvas_ring_buffers: [
    ['size', 1, 'required', 'uint32'],
    ['tid', 2, 'required', 'uint32'],
    ['buffers', 3, 'repeated', 'mvas_ring_buffer'],
  ],
  mvas_ring_buffer: [
    ['index', 1, 'required', 'uint32'],
    ['address', 2, 'required', 'uint64'],
    ['length', 3, 'required', 'uint32'],
    ['tag', 4, 'required', 'uint64'],
  ],
  mvas_ring_files: [
    ['size', 1, 'required', 'uint32'],
    ['from', 2, 'required', 'uint32'],
    ['to', 3, 'required', 'uint32'],
    ['files', 4, 'repeated', 'mvas_ring_file'],
  ],
  mvas_ring_file: [
    ['index', 1, 'required', 'uint32'],
    ['file', 2, 'required', 'uint32'],
    ['tag', 3, 'required', 'uint64'],
  ],
  mvas_ring_descriptor: [
    ['tid', 1, 'required', 'uint32'],
    ['index', 2, 'required', 'uint32'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const RINGS_ENUMS = {} as const satisfies EnumTables;
