// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import type { Method } from './method.js';

const log = logger('serve');

/** A call as it comes from the wire. */
export interface Incoming {
  readonly request: Uint8Array;
  /** When it has to be done; Infinity: whenever. */
  readonly deadline: Date | number;
  /** Calls back when the client is gone, or the deadline has passed. */
  readonly onGone: (gone: () => void) => void;
  /** Sends bytes; false if the client has not taken what it was sent for long. */
  readonly tell: (bytes: Uint8Array) => boolean;
}

interface Open {
  readonly abort: AbortController;
  readonly isEndless: boolean;
  readonly done: Promise<void>;
}

/** Runs calls, and ends them with the service. */
export class OpenCalls {
  readonly #open = new Set<Open>();
  #isEnding = false;

  /** Runs a call to its end. @throws ShimError of its work, or the reason why it was aborted */
  async run(name: string, { work, isEndless }: Method, incoming: Incoming): Promise<void> {
    if (this.#isEnding) throw endOfService();
    const abort = new AbortController();
    const { signal } = abort;
    incoming.onGone(() => {
      abort.abort(reasonFor(incoming.deadline));
    });
    const tell = (bytes: Uint8Array): void => {
      if (signal.aborted || incoming.tell(bytes)) return;
      abort.abort(new ShimError('resourceExhausted', 'the client does not read what it is sent'));
    };
    const began = performance.now();
    const result = work(incoming.request, { signal, tell });
    const open: Open = { abort, isEndless, done: result.catch(() => undefined) };
    this.#open.add(open);
    try {
      await result;
      if (signal.aborted) throw signal.reason;
    } catch (error) {
      const reason = signal.aborted ? ShimError.from(signal.reason) : ShimError.from(error);
      log.info('failed', { call: name, kind: reason.kind, error: ShimError.from(error).message });
      throw reason;
    } finally {
      this.#open.delete(open);
      log.info('ended', { call: name, ms: Math.round(performance.now() - began) });
    }
  }

  /** Takes no more calls. Aborts endless ones at once, others after `graceMs`; resolves when all have ended. */
  async end(graceMs: number): Promise<void> {
    this.#isEnding = true;
    for (const { isEndless, abort } of this.#open) if (isEndless) abort.abort(endOfService());
    const late = setTimeout(() => {
      for (const { abort } of this.#open) abort.abort(endOfService());
    }, graceMs);
    await Promise.all([...this.#open].map(({ done }) => done));
    clearTimeout(late);
  }
}

function endOfService(): ShimError {
  return new ShimError('unavailable', 'mvas serve is ending');
}

function reasonFor(deadline: Date | number): ShimError {
  return Number(deadline) <= Date.now()
    ? new ShimError('deadlineExceeded', 'its deadline has passed')
    : new ShimError('canceled', 'the client has cancelled it');
}
