// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { SYS } from '../../../../native/sys.js';
import { AT_REMOVEDIR } from '../abi.js';
import type { Stage } from '../stage.js';
import { cPath } from '../system.js';

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
export function namesSecret(vasId: string, containerId: string): string {
  return `${vasId}/${containerId}`;
}

/** Removes what may be left under a name: a file that is not a folder, or an empty one. */
export function removeLeft(stage: Stage, folder: number, name: string): void {
  const what = 'remove what a killed restore has left';
  const at = [folder, stage.builder.data(cPath(name), 1)] as const;
  stage.attempt(what, SYS.unlinkat, [...at, 0]);
  stage.attempt(what, SYS.unlinkat, [...at, AT_REMOVEDIR]);
}
