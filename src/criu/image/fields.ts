// SPDX-License-Identifier: Apache-2.0

/** Scalar types of protobuf that CRIU's messages use. 64-bit ones are `bigint` in TypeScript. */
export type ScalarType =
  | 'uint32'
  | 'int32'
  | 'sint32'
  | 'uint64'
  | 'int64'
  | 'sint64'
  | 'fixed64'
  | 'bool'
  | 'string'
  | 'bytes';

/** How often a field occurs; `packed` is repeated, written as one length-prefixed run. */
export type FieldLabel = 'required' | 'optional' | 'repeated' | 'packed';

/** One field: name, number, label, type (a {@link ScalarType}, or the name of an enum or message). */
export type FieldRow = readonly [string, number, FieldLabel, string];

/** Message name to its fields. */
export type MessageTables = Readonly<Record<string, readonly FieldRow[]>>;

/** Enum name to its words and their numbers. */
export type EnumTables = Readonly<Record<string, Readonly<Record<string, number>>>>;
