// SPDX-License-Identifier: Apache-2.0
import { assertInvariant } from '../errors.js';
import type { Forms } from './forms.js';
import { WIRE } from './reader.js';
import type { RowLayout, RowReader, Rows } from './rows.js';
import type { EnumTables, FieldLabel, MessageTables, ScalarType } from './tables.js';
import type { WireWriter } from './writer.js';

/** What a field holds. */
export type FieldContent =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | {
      readonly kind: 'enum';
      readonly numbers: ReadonlyMap<string, number>;
      readonly words: ReadonlyMap<number, string>;
    }
  | { readonly kind: 'message'; readonly message: string };

/** A field, resolved. */
export interface FieldShape {
  readonly name: string;
  readonly number: number;
  readonly label: FieldLabel;
  readonly content: FieldContent;
  /** The wire type of a single value. */
  readonly wireType: number;
}

/** Writes messages that are parts of others. */
export interface PartWriter {
  /** Writes one, with its length before it. */
  writePart(name: string, value: object): void;
}

/** Writes the usual form of a very frequent message, faster than by its table. */
export interface Shortcut<M = object> {
  /** Writes what its table would have written; returns false and writes nothing for another form. */
  readonly write: (writer: WireWriter, message: M, parts: PartWriter) => boolean;
}

/** Shortcuts by the names of messages. */
export type Shortcuts<Messages> = { readonly [M in keyof Messages]?: Shortcut<Messages[M]> };

/** How messages of a list become rows: an element of the list is then one message, or the rows of many. */
export interface RowForm {
  readonly layout: RowLayout;
  readonly Rows: new (cells: Float64Array, length: number) => Rows;
  /** A quicker reader than the usual one. */
  readonly read?: RowReader;
}

/** What is read and written in another way than by its table, by the names of messages. */
export interface Special<Messages> {
  readonly shortcuts?: Shortcuts<Messages>;
  readonly rows?: { readonly [M in keyof Messages]?: RowForm };
  /** Of messages that a file has one behind the other. */
  readonly forms?: { readonly [M in keyof Messages]?: Forms<Messages[M] & object> };
}

/** How to read and write one message. */
export interface MessageShape {
  readonly name: string;
  readonly fields: readonly FieldShape[];
  /** Names of the required fields. */
  readonly required: readonly string[];
  /** The fields that have a value when they are absent: lists, and `implicit` ones. */
  readonly present: readonly FieldShape[];
  readonly byNumber: ReadonlyMap<number, FieldShape>;
  readonly shortcut: Shortcut | undefined;
  readonly rows: RowForm | undefined;
  readonly forms: Forms | undefined;
}

/**
 * How strict a format is. `strict`: what no honest writer makes is an error, and text is bytes that need not be
 * UTF-8, without NUL. `lenient`: as in other protobuf readers, the last of two values counts, a number is cut to
 * its field's bits, and text is any Unicode.
 */
export type Mode = 'strict' | 'lenient';

/** The value that stands for absence, of each type that an `implicit` field may have. */
export const DEFAULTS: Readonly<
  Record<ScalarType, number | bigint | boolean | string | Uint8Array>
> = {
  uint32: 0,
  int32: 0,
  sint32: 0,
  uint64: 0n,
  int64: 0n,
  sint64: 0n,
  fixed64: 0n,
  bool: false,
  double: 0,
  string: '',
  bytes: new Uint8Array(0),
};

const PRESENT: ReadonlySet<FieldLabel> = new Set(['implicit', 'repeated', 'packed']);

/** The messages of a format. `Messages` maps their names to their TypeScript types. */
export class Schema<Messages> {
  /** Never set; carries the type. */
  readonly types?: Messages;
  readonly mode: Mode;
  readonly #messages: MessageTables;
  readonly #enums: EnumTables;
  readonly #shortcuts: Readonly<Record<string, Shortcut | undefined>>;
  readonly #rows: Readonly<Record<string, RowForm | undefined>>;
  readonly #forms: Readonly<Record<string, Forms | undefined>>;
  readonly #shapes = new Map<string, MessageShape>();

  constructor(
    mode: Mode,
    messages: MessageTables,
    enums: EnumTables = {},
    { shortcuts = {}, rows = {}, forms = {} }: Special<Messages> = {},
  ) {
    this.mode = mode;
    this.#messages = messages;
    this.#enums = enums;
    this.#shortcuts = shortcuts as Readonly<Record<string, Shortcut | undefined>>;
    this.#rows = rows;
    this.#forms = forms;
  }

  /** The shape of a message; made at first use, then kept. */
  shapeOf(name: string): MessageShape {
    const known = this.#shapes.get(name);
    if (known) return known;
    const rows = this.#messages[name];
    assertInvariant(rows !== undefined, `the format has a message ${name}`);
    const fields = rows.map(([field, number, label, type]): FieldShape => {
      const content = this.#contentOf(type);
      return { name: field, number, label, content, wireType: wireTypeOf(content) };
    });
    const shape = {
      name,
      fields,
      required: fields.filter(({ label }) => label === 'required').map((field) => field.name),
      present: fields.filter(({ label }) => PRESENT.has(label)),
      byNumber: new Map(fields.map((field) => [field.number, field])),
      shortcut: this.#shortcuts[name],
      rows: this.#rows[name],
      forms: this.#forms[name],
    };
    this.#shapes.set(name, shape);
    return shape;
  }

  #contentOf(type: string): FieldContent {
    if (type in DEFAULTS) return { kind: 'scalar', scalar: type as ScalarType };
    if (type in this.#messages) return { kind: 'message', message: type };
    const words = this.#enums[type];
    assertInvariant(words !== undefined, `the format has a type ${type}`);
    const pairs = Object.entries(words);
    return {
      kind: 'enum',
      numbers: new Map(pairs),
      words: new Map(pairs.map(([word, number]) => [number, word])),
    };
  }
}

function wireTypeOf(content: FieldContent): number {
  if (content.kind === 'message') return WIRE.bytes;
  if (content.kind === 'enum') return WIRE.varint;
  if (content.scalar === 'string' || content.scalar === 'bytes') return WIRE.bytes;
  return content.scalar === 'fixed64' || content.scalar === 'double' ? WIRE.fixed64 : WIRE.varint;
}
