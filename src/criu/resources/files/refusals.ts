// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import { printable } from '../../../common/bytes.js';
import { isMomentary, Momentary } from '../../retry.js';

const MOST_SHOWN = 10;

/** Collects everything that cannot be restored, so that one error reports it all. */
export class Refusals {
  readonly #reasons: string[] = [];
  #lasts = false;

  /** `where` is `pid 12 (nginx) fd 7`; the reason ends with a remedy if one is known. */
  add(where: string, reason: string): void {
    this.#lasts ||= !isMomentary(reason);
    this.#reasons.push(printable(`${where}: ${reason}`));
  }

  get count(): number {
    return this.#reasons.length;
  }

  /**
   * Throws ShimError `failedPrecondition` with at most ten reasons, one per line; it is Momentary if all of them
   * are. Does nothing if there are none.
   */
  throwIfAny(): void {
    if (this.#reasons.length === 0) return;
    const shown = this.#reasons.slice(0, MOST_SHOWN);
    const rest = this.#reasons.length - shown.length;
    if (rest > 0) shown.push(`and ${String(rest)} more`);
    const Refusal = this.#lasts ? ShimError : Momentary;
    throw new Refusal('failedPrecondition', shown.join('\n'));
  }
}
