// SPDX-License-Identifier: Apache-2.0

/* What a command line and its help need to know of the engine before they load it. */

export { NAME_MAX } from './vas/kernel-abi.js';

/** How long momentary refusals are retried by default. */
export const DEFAULT_RETRY_MS = 2_000;

/**
 * Whether memory is copied before the stop, while the container runs: if that is worth it, never, or always
 * (otherwise the checkpoint fails).
 */
export type PreCopyMode = (typeof PRE_COPY_MODES)[number];
export const PRE_COPY_MODES = ['auto', 'never', 'always'] as const;
export const DEFAULT_PRE_COPY: PreCopyMode = 'never';

/**
 * What a checkpoint does with processes that came by exec, and those that they have made: takes them along, leaves
 * them out, or waits for them to end and refuses if they do not.
 */
export type ExecMode = (typeof EXEC_MODES)[number];
export const EXEC_MODES = ['keep', 'drop', 'refuse'] as const;
export const DEFAULT_EXEC_MODE: ExecMode = 'keep';

/**
 * Whether memory is copied after the stop, from copy-on-write children of the processes: if that is quicker, never, or
 * always (otherwise the checkpoint fails).
 */
export type TwinMode = (typeof TWIN_MODES)[number];
export const TWIN_MODES = ['auto', 'never', 'always'] as const;
export const DEFAULT_TWIN: TwinMode = 'auto';

/**
 * What a restore does with TCP connections whose other end is outside of the container: ends them, keeps them, or
 * does not restore a container that has any.
 */
export type TcpMode = (typeof TCP_MODES)[number];
export const TCP_MODES = ['close', 'keep', 'refuse'] as const;
export const DEFAULT_TCP_MODE: TcpMode = 'close';
