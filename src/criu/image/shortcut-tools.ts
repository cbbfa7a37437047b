// SPDX-License-Identifier: Apache-2.0
import { WIRE } from '../../common/wire/reader.js';
import type { WireWriter } from '../../common/wire/writer.js';
import type { FownEntry } from './messages/fown.js';

/** The owner of a file that sends no signals, and its encoding; one for all: nobody changes it. */
export const NO_OWNER: FownEntry = {
  uid: 0,
  euid: 0,
  signum: 0,
  pid_type: 0,
  pid: 0 as FownEntry['pid'],
};
export const NO_OWNER_CODED = Uint8Array.of(8, 0, 16, 0, 24, 0, 32, 0, 40, 0);

/** Whether a file sends no signals. */
export function isNoOwner({ uid, euid, signum, pid_type, pid }: FownEntry): boolean {
  return uid === 0 && euid === 0 && signum === 0 && pid_type === 0 && pid === 0;
}

/** Writes {@link NO_OWNER}. */
export function writeNoOwner(writer: WireWriter, tag: number): void {
  writeField(writer, tag, NO_OWNER_CODED.length);
  writer.raw(NO_OWNER_CODED);
}

/** Whether a value is a uint32. */
export function isShort(value: number): boolean {
  return value >>> 0 === value;
}

/** Writes a number that {@link isShort}. */
export function writeField(writer: WireWriter, tag: number, value: number): void {
  writer.varint(tag);
  writer.varint(value);
}

type Row = readonly [name: string, number: number, label: string, type: string];

/** The tags of a message's fields. */
export function tagsOf<R extends Row>(rows: readonly R[]): Readonly<Record<R[0], number>> {
  return Object.fromEntries(
    rows.map(([name, number, , type]) => [name, number * 8 + wireTypeOf(type)]),
  ) as Record<R[0], number>;
}

function wireTypeOf(type: string): number {
  return type === 'string' || type === 'bytes' || type.endsWith('_entry')
    ? WIRE.bytes
    : WIRE.varint;
}
