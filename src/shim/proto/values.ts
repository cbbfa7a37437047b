// SPDX-License-Identifier: Apache-2.0
import type { Any } from '../../common/messages/any.js';
import type { Mount } from '../../common/messages/mount.js';
import type { Timestamp } from '../../common/messages/timestamp.js';

export type AnyValue = Partial<Any>;
export type MountValue = Partial<Mount>;
export type TimestampValue = Partial<Timestamp>;

/**
 * Go's zero time, the first of January of the year 1: something that has not happened. Clients take an absent time
 * for 1970.
 */
export const ZERO_TIME: TimestampValue = { seconds: -62_135_596_800n, nanos: 0 };

/** A date as a Timestamp, to the millisecond. */
export function timestamp(date: Date): TimestampValue {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}
