// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { rehearse } from './rehearsal.js';

/** Each stops a process of ours twice, which takes 10-20 ms. */
const STEPS_OF_STOPS = 8;

/** The warm-ups of the shim's standby. */
export const WARM_UPS: readonly ((directory: string) => Promise<unknown>)[] = [
  rehearse,
  loadEngine,
  rehearseEngine,
  learnFlags,
  ...Array.from({ length: STEPS_OF_STOPS }, () => rehearseStops),
];

/**
 * Loads the engine with all of its functions compiled, which a daemon would otherwise do one by one at their first
 * call, and keeps them compiled: V8 drops the code of functions that have not run for a while.
 */
async function loadEngine(): Promise<void> {
  setFlagsFromString('--no-flush-bytecode');
  setFlagsFromString('--no-lazy');
  try {
    await import('../../criu/index.js');
  } finally {
    setFlagsFromString('--lazy');
  }
}

/** Has the engine read and plan what it would in a restore. */
async function rehearseEngine(directory: string): Promise<void> {
  (await import('../../criu/index.js')).rehearseRestore(join(directory, 'image'));
}

/** What the kernel's flags of memory mean. */
async function learnFlags(directory: string): Promise<void> {
  (await import('../../criu/index.js')).learnUsualFlags(join(dirname(directory), 'flags'));
}

/** Has the engine stop a process, as in a checkpoint. */
async function rehearseStops(): Promise<void> {
  await (await import('../../criu/index.js')).rehearseStops();
}
