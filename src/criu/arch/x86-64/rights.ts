// SPDX-License-Identifier: Apache-2.0
import { rightsOffset } from '../../../native/index.js';
import { reader } from '../../../native/structures.js';

/** Component PKRU of an XSAVE area: two bits for each protection key (Intel SDM 3A, 4.6.2). */
const COMPONENT = 1n << 9n;
const COMPONENTS_PRESENT = 512;
/** What threads begin with: all keys but 0 are denied (`init_pkru`). */
const FIRST = 0x5555_5554;
/** Neither reads nor writes are denied to memory with key 0. */
const OWN = 3;

let offset: number | undefined;

/** Rights of a thread to memory with protection keys (PKRU), by its extended state; undefined if the processor has no keys. */
export function rightsOf(xstate: Uint8Array): number | undefined {
  offset ??= rightsOffset();
  if (offset === 0 || xstate.length < offset + 4) return undefined;
  const view = reader(xstate);
  const isPresent = (view.readBigUInt64LE(COMPONENTS_PRESENT) & COMPONENT) !== 0n;
  return isPresent ? view.readUInt32LE(offset) : 0;
}

/** Whether a thread has had its rights changed since its program began: by itself, or as it allocated a key. */
export function haveChanged(xstate: Uint8Array): boolean {
  const rights = rightsOf(xstate);
  return rights !== undefined && rights !== FIRST;
}

/** Why no calls can be made in a thread: it may not touch memory of ours, which has key 0. undefined if it may. */
export function rightsProblem(xstate: Uint8Array): string | undefined {
  const rights = rightsOf(xstate) ?? 0;
  if ((rights & OWN) === 0) return undefined;
  return 'it denies itself memory without a protection key (pkey_set), which is not supported; remedy: try again';
}
