// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../../../../common/ids.js';
import { createHash } from 'node:crypto';

const DIGITS = 24;

/**
 * Names of ours in folders of the container, for a few calls each. Nobody who does not know the VAS can guess
 * them. Restores of one container from one image take the same, one after the other: what one that was killed
 * has left the next one removes.
 */
export class ScratchNames {
  readonly #secret: string;
  #count = 0;

  /** `secret`: see {@link namesSecret}. */
  constructor(secret: string) {
    this.#secret = secret;
  }

  /** One that has not been taken yet. */
  take(): string {
    const text = `${this.#secret}/${String(this.#count++)}`;
    return `.mvas-${createHash('sha256').update(text).digest('hex').slice(0, DIGITS)}`;
  }
}

/** Nobody but us knows the id of a VAS, and no two containers of one id are restored at the same time. */
export function namesSecret(vasId: VasId, containerId: string): string {
  return `${vasId}/${containerId}`;
}
