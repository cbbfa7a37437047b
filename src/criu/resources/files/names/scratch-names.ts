// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../../../../common/ids.js';
import { createHash } from 'node:crypto';

const DIGITS = 24;

/**
 * Our names in folders of the container, each for a few calls. Nobody who does not know the VAS can guess them.
 * Restores of one container from one image take the same names, one after the other: the next restore removes what
 * a killed one has left.
 */
export class ScratchNames {
  readonly #secret: string;
  #count = 0;

  /** `secret`: see {@link namesSecret}. */
  constructor(secret: string) {
    this.#secret = secret;
  }

  /** A name that has not been taken yet. */
  take(): string {
    const text = `${this.#secret}/${String(this.#count++)}`;
    return `.mvas-${createHash('sha256').update(text).digest('hex').slice(0, DIGITS)}`;
  }
}

/** Only we know the id of a VAS, and two containers with the same id are never restored at the same time. */
export function namesSecret(vasId: VasId, containerId: string): string {
  return `${vasId}/${containerId}`;
}
