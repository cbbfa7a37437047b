// SPDX-License-Identifier: Apache-2.0

/* What a command line and its help need of the engine before they load it. */

export { NAME_MAX } from './vas/kernel-abi.js';

/** How long refusals that may be gone in a moment are tried again, unless somebody says otherwise. */
export const DEFAULT_RETRY_MS = 2_000;

/** Whether memory is copied while the container runs, before the stop: where that is worth it, never, or else not at all. */
export type PreCopyMode = (typeof PRE_COPY_MODES)[number];
export const PRE_COPY_MODES = ['auto', 'never', 'always'] as const;
export const DEFAULT_PRE_COPY: PreCopyMode = 'never';
