// SPDX-License-Identifier: Apache-2.0
import { POLL } from '../../../../../native/abi/index.js';
import {
  learnKernel,
  terminalQueues,
  UnreadableKernel,
  type KernelView,
  type TerminalQueue,
  type TerminalQueues,
} from '../../../../../native/kernel/index.js';
import type { TtyDataEntry } from '../../../../image/types.js';
import { pollNow } from '../../system.js';
import { MOST_TAKEN, NEWLINE } from './content.js';

/** How often what waits in a terminal may change while it is read. */
const TRIES = 5;

/** What waits at an end of a terminal. */
export type Unread = Pick<TtyDataEntry, 'data' | 'mvas_ends'>;

/** What waits at both ends of a terminal, and is left there. */
export interface UnreadEnds {
  /** What the slave's readers have not read: whole lines, and one that is being typed. */
  readonly slave: Unread | undefined;
  /** What the master's owner has not read. */
  readonly master: Unread | undefined;
}

/**
 * Reads what waits in a terminal in the kernel's memory, since whoever reads it by a descriptor takes it.
 *
 * @param master a descriptor of ours
 * @returns undefined if it cannot be read, or not be made again
 */
export function readUnread(master: number): UnreadEnds | undefined {
  const kernel = learnKernel(() => true);
  for (let tries = 0; kernel && tries < TRIES; tries++) {
    const queues = readTwice(kernel, master);
    if (queues) return isUsual(queues) ? unreadOf(queues) : undefined;
  }
  return undefined;
}

/** Undefined if it is on its way from one end to the other. */
function readTwice({ objects, terminals }: KernelView, master: number): TerminalQueues | undefined {
  if (!terminals) return undefined;
  pollNow(master, POLL.in); // Has the line discipline take what it has room for.
  try {
    const [one, other] = [0, 1].map(() => terminalQueues(objects, terminals, master));
    return one && JSON.stringify(one) === JSON.stringify(other) ? one : undefined;
  } catch (error) {
    if (error instanceof UnreadableKernel) return undefined;
    throw error;
  }
}

function isUsual({ slave, master }: TerminalQueues): boolean {
  if (slave.isOdd || master.isOdd || master.isCanonical) return false;
  return slave.behind.length === 0 && slave.taken.length <= MOST_TAKEN && !hasLiteral(slave);
}

/** Whether there is a newline that does not end a line, because ^V had come before it. */
function hasLiteral({ taken, ends, isCanonical }: TerminalQueue): boolean {
  return isCanonical && taken.some((byte, index) => byte === NEWLINE && !ends.includes(index));
}

function unreadOf({ slave, master }: TerminalQueues): UnreadEnds {
  const output = Buffer.concat([master.taken, master.behind]);
  return {
    slave: slave.taken.length > 0 ? { data: slave.taken, mvas_ends: [...slave.ends] } : undefined,
    master: output.length > 0 ? { data: output, mvas_ends: [] } : undefined,
  };
}
