// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import { Pump } from '../../native/index.js';
import { errnoError } from '../../native/sys.js';

/** A copy between two descriptors, which it owns. */
export interface Copy {
  /** Resolves at the end of the input, when all of it has been written; when either side fails; when stopped. */
  readonly done: Promise<void>;
  /** Ends the copy now and discards what was not written. */
  stop(): void;
}

/** A text to look for in what is copied. */
export interface OutputWatch {
  readonly text: string;
  /** Called when it has come by, at most once for each copy. */
  readonly heard: () => void;
}

const running = new Map<number, () => void>();
const listening = new Map<number, () => void>();
let pump: Pump | undefined;

/**
 * Copies from one pipe, FIFO, file or terminal to another until its end, then closes both: they belong to the copy
 * from now on, and become non-blocking. None of the data passes through JavaScript.
 *
 * @param watch what to look for on the way
 * @throws ShimError if the system is short of descriptors; then both are closed, too
 */
export function copy(from: number, to: number, watch?: OutputWatch): Copy {
  pump ??= new Pump((id, hasEnded) => {
    if (hasEnded) settle(id);
    else listening.get(id)?.();
  });
  const id = pump.start(from, to, watch?.text);
  if (id < 0) {
    closeSync(from);
    closeSync(to);
    throw errnoError('copy a stream', id);
  }
  if (watch) listening.set(id, watch.heard);
  const done = new Promise<void>((resolve) => running.set(id, resolve));
  return {
    done,
    stop: () => {
      pump?.stop(id);
      settle(id);
    },
  };
}

function settle(id: number): void {
  running.get(id)?.();
  running.delete(id);
  listening.delete(id);
}
