// SPDX-License-Identifier: Apache-2.0
import type { Valid } from '../../src/criu/image/validate.js';

/** Passes a part of an image that a test has made by hand for a valid one. */
export function asValid<T>(part: T): Valid<T> {
  return part as Valid<T>;
}
