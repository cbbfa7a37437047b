// SPDX-License-Identifier: Apache-2.0
import type * as Messages from './messages/index.js';
import type { VmaPart } from './vma-rows.js';

/**
 * The model of a checkpoint: CRIU's messages under CRIU's names. 64-bit integers are `bigint`, enums are their
 * words, repeated fields are always arrays, optional fields may be left out or undefined. An absent optional field
 * is `undefined` after decoding even if its proto names a default. Fields `mvas_*` are ours (numbers from 10000);
 * CRIU's tools ignore them.
 */
export type * from './messages/index.js';

/** The address space of a process. There may be tens of thousands of mappings: most are rows. */
export type MmEntry = Omit<Messages.MmEntry, 'vmas'> & { vmas: VmaPart[] };

/** The messages of the image format. */
export type ImageMessages = Omit<Messages.ImageMessages, 'mm_entry'> & { mm_entry: MmEntry };
