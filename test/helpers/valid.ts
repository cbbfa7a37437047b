// SPDX-License-Identifier: Apache-2.0
import type { Valid } from '../../src/criu/image/validate.js';

/** Passes off a handmade part of an image as a valid one. */
export function asValid<T>(part: T): Valid<T> {
  return part as Valid<T>;
}
