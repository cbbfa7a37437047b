// SPDX-License-Identifier: Apache-2.0
import { O } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, closeFd, SYS } from '../../native/sys.js';

/**
 * A holder depends on this while its VAS is being filled: a pipe to its keeper, which ends the holder if the pipe
 * is cut, by us or by our death, before the VAS is reported complete.
 */
export class Lifeline {
  #ends: { readonly keepers: number; readonly ours: number } | undefined;

  constructor() {
    const pair = Buffer.alloc(8);
    call('make a pipe', SYS.pipe2, pair, O.cloexec);
    this.#ends = { keepers: pair.readInt32LE(0), ours: pair.readInt32LE(4) };
  }

  /** The keeper's end. We keep it, too, since writing to a pipe without a reader is fatal. */
  get keepersEnd(): number {
    return this.#ends?.keepers ?? -1;
  }

  /** The VAS is complete and outlives us. */
  complete(): void {
    if (this.#ends) syscall(SYS.write, this.#ends.ours, Buffer.of(1), 1);
    this.cut();
  }

  /** Ends the holder of an incomplete VAS. A second call does nothing. */
  cut(): void {
    if (!this.#ends) return;
    closeFd(this.#ends.ours);
    closeFd(this.#ends.keepers);
    this.#ends = undefined;
  }
}
