// SPDX-License-Identifier: Apache-2.0
import type { PlanBuilder } from '../plan/builder.js';
import type { Slot, Words } from '../plan/values.js';
import type { Sequence } from '../plan/sequence.js';

/** A run of pages that a plan brings to its place. */
export interface WantedPages {
  /** For messages. */
  readonly what: Words;
  /** Address or offset at the source. */
  readonly from: bigint;
  /** Address in the VAS. */
  readonly to: bigint;
  readonly length: bigint;
  /** Whether the process that maps them may read them. */
  readonly isReadable: boolean;
}

/**
 * Where a plan of the holder pulls the pages of one process, or of one shared object, from: itself, a duplicate, a
 * file. The pid, path or device of the source is known only behind this interface (live/pages-of.ts).
 */
export interface Pages {
  /** The descriptor that goes along with the plan. */
  readonly fd: number;
  /** Brings pages to their place. `source` is the descriptor. */
  pull(sequence: Sequence, source: Slot, pages: WantedPages): void;
  /** What to do when everything is pulled. */
  finish(builder: PlanBuilder, sequence: Sequence, source: Slot): void;
  /** To be called when the plan has run. */
  close(): void;
}
