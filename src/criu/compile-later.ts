// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function runs before V8 optimizes it: some fifteen times as many as by default. */
const BUDGET = 1_000_000;

/**
 * Lets V8 optimize later. A checkpoint or a restore takes a second or two at most, its hottest loops a fraction of it:
 * optimizing what is warm, which V8 does on other threads or in between, takes a quarter of the processor time of all.
 */
export function compileLater(): void {
  setFlagsFromString(`--interrupt-budget=${String(BUDGET)}`);
}
