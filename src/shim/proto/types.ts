// SPDX-License-Identifier: Apache-2.0
import { field, message, type ValueOf } from './codec.js';

/** `google.protobuf.Empty`. */
export const Empty = message({});

/** `google.protobuf.Timestamp`. */
export const Timestamp = message({ seconds: field.int64(1), nanos: field.int32(2) });

/** `google.protobuf.Any`. containerd uses bare full names as type URLs. */
export const Any = message({ typeUrl: field.string(1), value: field.bytes(2) });

/** `containerd.types.Mount`. */
export const Mount = message({
  type: field.string(1),
  source: field.string(2),
  target: field.string(3),
  options: field.strings(4),
});

export type AnyValue = Partial<ValueOf<typeof Any>>;
export type MountValue = Partial<ValueOf<typeof Mount>>;
export type TimestampValue = Partial<ValueOf<typeof Timestamp>>;

/** `containerd.v1.types.Status` of a task. */
export const STATUS = {
  unknown: 0,
  created: 1,
  running: 2,
  stopped: 3,
  paused: 4,
  pausing: 5,
} as const;

/** Go's zero time, the first of January of the year 1: what has not happened. An absent one means 1970 to clients. */
export const ZERO_TIME: TimestampValue = { seconds: -62_135_596_800, nanos: 0 };

/** A date as a Timestamp, to the millisecond. */
export function timestamp(date: Date): TimestampValue {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * 1_000_000 };
}
