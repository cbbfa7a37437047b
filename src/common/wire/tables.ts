// SPDX-License-Identifier: Apache-2.0

/** Integer types of protobuf. Those of 64 bits are `bigint` in TypeScript. */
export type IntegerType = 'uint32' | 'int32' | 'sint32' | 'uint64' | 'int64' | 'sint64' | 'fixed64';

/** Scalar types of protobuf that our messages use. */
export type ScalarType = IntegerType | 'bool' | 'double' | 'string' | 'bytes';

/**
 * How often a field occurs. `implicit` is proto3's plain scalar: its default value stands for its absence.
 * `packed` is repeated, written as one length-prefixed run.
 */
export type FieldLabel = 'required' | 'optional' | 'implicit' | 'repeated' | 'packed';

/** One field: name, number, label, type (a {@link ScalarType}, or the name of an enum or message). */
export type FieldRow = readonly [string, number, FieldLabel, string];

/** Message name to its fields. */
export type MessageTables = Readonly<Record<string, readonly FieldRow[]>>;

/** Enum name to its words and their numbers. */
export type EnumTables = Readonly<Record<string, Readonly<Record<string, number>>>>;
