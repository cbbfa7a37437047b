// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../errors.js';
import { decodeBytes } from '../bytes.js';

/** One line of a /proc file, with the conversions its fields need. All failures name file and line. */
export class Line {
  readonly file: string;
  readonly text: string;

  /** `file` is the name of the /proc file as messages show it: `maps`, `fdinfo`. */
  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** Throws `internal`: this line is not what the kernel is known to write. */
  fail(): never {
    const shown = this.text.length > 200 ? `${this.text.slice(0, 200)}...` : this.text;
    throw new ShimError('internal', `parse ${this.file}: unexpected line ${JSON.stringify(shown)}`);
  }

  /** The groups of a match, or a failure. */
  match(pattern: RegExp): readonly (string | undefined)[] {
    return pattern.exec(this.text) ?? this.fail();
  }

  /** A field that must be there. */
  present(field: string | undefined): string {
    return field ?? this.fail();
  }

  /** A decimal number, possibly negative, that a double holds exactly. */
  integer(field: string | undefined): number {
    return this.#safe(field, /^-?[0-9]+$/, '');
  }

  /** A hexadecimal number without prefix, that a double holds exactly. */
  hexInteger(field: string | undefined): number {
    return this.#safe(field, /^[0-9a-fA-F]+$/, '0x');
  }

  /** An octal number, with or without leading zero, that a double holds exactly. */
  octal(field: string | undefined): number {
    return this.#safe(field, /^[0-7]+$/, '0o');
  }

  /** A decimal number of any size, possibly negative. */
  bigInteger(field: string | undefined): bigint {
    return field !== undefined && /^-?[0-9]{1,20}$/.test(field) ? BigInt(field) : this.fail();
  }

  /** A hexadecimal number of up to 64 bits without prefix. */
  hex(field: string | undefined): bigint {
    if (field === undefined || !/^[0-9a-fA-F]{1,16}$/.test(field)) return this.fail();
    // Most fit into a double, which is faster.
    return field.length < 14 ? BigInt(parseInt(field, 16)) : BigInt(`0x${field}`);
  }

  /** Decimal numbers between white space. */
  integers(field: string | undefined): readonly number[] {
    return words(this.present(field)).map((word) => this.integer(word));
  }

  #safe(field: string | undefined, pattern: RegExp, prefix: string): number {
    if (field === undefined || !pattern.test(field)) this.fail();
    const value = Number(prefix + field);
    return Number.isSafeInteger(value) ? value : this.fail();
  }
}

/** What a parser takes: the raw content of a /proc file, or text decoded by `decodeBytes`. */
export type ProcText = string | Uint8Array;

/** The content as text. */
export function toText(content: ProcText): string {
  return typeof content === 'string' ? content : decodeBytes(content);
}

/** The lines of a file; only `\n` ends a line, and the last one may lack it. */
export function splitLines(file: string, content: ProcText): readonly Line[] {
  const lines = toText(content).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => new Line(file, line));
}

/** The words between spaces and tabs. */
export function words(text: string): readonly string[] {
  return text.split(/[ \t]+/).filter((word) => word !== '');
}
