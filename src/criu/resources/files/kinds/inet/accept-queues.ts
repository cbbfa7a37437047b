// SPDX-License-Identifier: Apache-2.0
import {
  acceptQueueOf,
  learnedKernel,
  learnKernel,
  tcpQueueAt,
  UnreadableKernel,
  type KernelView,
  type WaitingEnd,
} from '../../../../../native/kernel/index.js';
import type { OpenFile } from '../../open-file.js';
import type { TcpDiag } from '../../sockets/sock-diag.js';

/** A connection in the queue of a listening socket. */
interface Queued extends WaitingEnd {
  /** How many are to be accepted before it. */
  readonly turn: number;
}

/** What the kernel has of connections that nobody has accepted; nothing where it cannot be read. */
export class AcceptQueues {
  readonly #known = new Map<OpenFile, ReadonlyMap<bigint, Queued>>();

  /** How many are to be accepted before a connection. */
  turnOf(listener: OpenFile, { cookie }: TcpDiag): number | undefined {
    return tryRead(learnedKernel(), (kernel) => this.#queueOf(kernel, listener).get(cookie)?.turn);
  }

  /** What has arrived at an end of a connection. */
  arrivedAt(listener: OpenFile, { cookie }: TcpDiag): Buffer | undefined {
    return tryRead(
      learnKernel(() => true),
      (kernel) => {
        const end = this.#queueOf(kernel, listener).get(cookie);
        if (!end) return undefined;
        const bytes = tcpQueueAt(kernel, end);
        // The kernel may have been adding to it, or putting it together anew.
        return bytes.equals(tcpQueueAt(kernel, end)) ? bytes : undefined;
      },
    );
  }

  #queueOf(kernel: KernelView, listener: OpenFile): ReadonlyMap<bigint, Queued> {
    const known = this.#known.get(listener);
    if (known) return known;
    const ends = acceptQueueOf(kernel, listener.own);
    const queue = new Map(ends.map((end, turn) => [end.cookie, { ...end, turn }]));
    this.#known.set(listener, queue);
    return queue;
  }
}

function tryRead<T>(
  kernel: KernelView | undefined,
  read: (kernel: KernelView) => T,
): T | undefined {
  try {
    return kernel && read(kernel);
  } catch (error) {
    if (error instanceof UnreadableKernel) return undefined;
    throw error;
  }
}
