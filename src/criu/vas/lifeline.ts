// SPDX-License-Identifier: Apache-2.0
import { O } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, closeFd, SYS } from '../../native/sys.js';

/**
 * What a holder hangs on while its VAS is being filled: a pipe to its keeper, which ends the holder when
 * the pipe is cut, by us or by our death, before the VAS was said to be complete.
 */
export class Lifeline {
  #ends: { readonly keepers: number; readonly ours: number } | undefined;

  constructor() {
    const pair = Buffer.alloc(8);
    call('make a pipe', SYS.pipe2, pair, O.cloexec);
    this.#ends = { keepers: pair.readInt32LE(0), ours: pair.readInt32LE(4) };
  }

  /** The keeper's end. Stays ours, too: a pipe that nobody reads would end who writes. */
  get keepersEnd(): number {
    return this.#ends?.keepers ?? -1;
  }

  /** The VAS is complete and outlives us. */
  complete(): void {
    if (this.#ends) syscall(SYS.write, this.#ends.ours, Buffer.of(1), 1);
    this.cut();
  }

  /** Ends the holder of a VAS that is not complete. A second time does nothing. */
  cut(): void {
    if (!this.#ends) return;
    closeFd(this.#ends.ours);
    closeFd(this.#ends.keepers);
    this.#ends = undefined;
  }
}
