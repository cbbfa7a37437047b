// SPDX-License-Identifier: Apache-2.0
import type { SkShutdown } from '../../../image/types.js';

/** CRIU's words for the bits that the kernel keeps: bit 0 for reading, bit 1 for writing. */
export const SHUTDOWN_WORDS: readonly SkShutdown[] = ['NONE', 'READ', 'WRITE', 'BOTH'];

/** `how` of shutdown(2). */
export const SHUTDOWN_HOW = { NONE: undefined, READ: 0, WRITE: 1, BOTH: 2 } as const;
