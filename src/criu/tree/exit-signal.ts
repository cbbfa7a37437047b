// SPDX-License-Identifier: Apache-2.0
import { SIGCHLD, SIGKILL, SIGSTOP, SIGTRAP } from '../../native/abi/index.js';
import type { CoreEntry } from '../image/types.js';
import { isDead } from '../image/validate-tasks.js';

/** Signals that a parent cannot block while it is being restored, or must not get at its breakpoints. */
const DISTURBING: ReadonlySet<number> = new Set([SIGTRAP, SIGKILL, SIGSTOP]);

/**
 * The signal by which a process tells its parent of its end; 0 for none. A zombie sends it at the restore, and once
 * more: if that would disturb, none is sent, which makes no difference to wait(2).
 */
export function exitSignalOf(core: CoreEntry): number {
  const signal = core.tc?.mvas_exit_signal ?? SIGCHLD;
  return isDead(core) && DISTURBING.has(signal) ? 0 : signal;
}

/** Signals that processes get from zombies, and from helpers, at the restore. */
export function signalsOfRestore(cores: Iterable<CoreEntry>): number[] {
  const signals = [...cores].filter(isDead).map(exitSignalOf);
  return [...new Set([SIGCHLD, ...signals])].filter((signal) => signal !== 0);
}
