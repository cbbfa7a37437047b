// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

/** Made once: forks of a standby find it made. */
let collect: Collect | undefined;

/**
 * Empties the space of new objects: a fork that has to do so copies what the standby has left there. What V8 has learned is not
 * lost, as it is by a full collection.
 */
export function emptyNewSpace(): void {
  setFlagsFromString('--expose-gc');
  collect ??= runInNewContext('gc') as Collect;
  // What survives twice becomes old.
  for (let time = 0; time < 2; time += 1) collect({ type: 'minor' });
}

/**
 * Collects garbage among new objects while there is nothing else to do, so that it need not be done in the middle of what follows.
 * Does nothing in a process that has not been a standby: it would take longer than it gains.
 */
export function collectAhead(): void {
  collect?.({ type: 'minor' });
}
