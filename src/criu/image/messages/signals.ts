// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/signals.proto; do not edit.
/** Signal actions and queues. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** struct sigaction as the kernel has it. */
export interface SaEntry {
  sigaction: bigint;
  flags: bigint;
  restorer: bigint;
  mask: bigint;
  compat_sigaction?: boolean | undefined;
  mask_extended?: bigint | undefined;
}

/** A queued signal: siginfo_t, 128 bytes. */
export interface SiginfoEntry {
  siginfo: Uint8Array;
}

/** Pending signals in order. */
export interface SignalQueueEntry {
  signals: SiginfoEntry[];
}

/** Field tables of this file's messages. */
export const SIGNALS_MESSAGES = {
  sa_entry: [
    ['sigaction', 1, 'required', 'uint64'],
    ['flags', 2, 'required', 'uint64'],
    ['restorer', 3, 'required', 'uint64'],
    ['mask', 4, 'required', 'uint64'],
    ['compat_sigaction', 5, 'optional', 'bool'],
    ['mask_extended', 6, 'optional', 'uint64'],
  ],
  siginfo_entry: [['siginfo', 1, 'required', 'bytes']],
  signal_queue_entry: [['signals', 1, 'repeated', 'siginfo_entry']],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const SIGNALS_ENUMS = {} as const satisfies EnumTables;
