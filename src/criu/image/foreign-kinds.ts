// SPDX-License-Identifier: Apache-2.0
import type { EntryKind } from './entry-kind.js';

/** Kinds that images of CRIU may contain, and that are not restored. */
export const FOREIGN_KINDS: readonly EntryKind[] = [
  { type: 'TUNF', body: 'tunf' },
  { type: 'FANOTIFY', body: 'ffy' },
  { type: 'EXT', body: 'ext' },
];
