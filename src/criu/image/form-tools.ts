// SPDX-License-Identifier: Apache-2.0
import type { FormStep } from '../../common/wire/forms.js';
import type { FieldRow } from '../../common/wire/tables.js';
import { NO_OWNER_CODED, tagsOf } from './shortcut-tools.js';

const MAX_32 = 0xffff_ffff;
/** The greatest value of each type whose values a double holds; a sint32 is as it is encoded. */
const MOST: Readonly<Record<string, number>> = {
  ...{ uint32: MAX_32, sint32: MAX_32, bool: 1, uint64: Number.MAX_SAFE_INTEGER },
};

/** Makes the steps of a message's forms from its table, which says what each field is. */
export class FormSteps<R extends FieldRow> {
  readonly #rows: readonly R[];

  constructor(rows: readonly R[]) {
    this.#rows = rows;
  }

  /** Numbers, which may be absent where the table lets them; an enum is its number. */
  numbers(...names: readonly R[0][]): FormStep[] {
    return names.map((name) => {
      const [, , label, type] = this.#rowOf(name);
      const isRequired = label === 'required';
      return {
        ...{ kind: 'number', tag: this.#tagOf(name), least: 0, most: MOST[type] ?? MAX_32 },
        isRequired,
      };
    });
  }

  /** A number that always has this value, of one byte. */
  constant(name: R[0], value: number): FormStep {
    return { kind: 'same', bytes: Uint8Array.of(...varint(this.#tagOf(name)), value) };
  }

  /** An owner that is nobody. */
  noOwner(name: R[0]): FormStep {
    const tag = varint(this.#tagOf(name));
    return {
      kind: 'same',
      bytes: Uint8Array.of(...tag, NO_OWNER_CODED.length, ...NO_OWNER_CODED),
    };
  }

  /** A list of at most so many numbers of 32 bits. */
  words(name: R[0], most: number): FormStep {
    return { kind: 'words', tag: this.#tagOf(name), most };
  }

  text(name: R[0]): FormStep {
    return { kind: 'text', tag: this.#tagOf(name) };
  }

  part(name: R[0]): FormStep {
    return { kind: 'part', tag: this.#tagOf(name) };
  }

  /** A message with these steps. */
  message(name: R[0], steps: readonly FormStep[]): FormStep[] {
    return [{ kind: 'begin', tag: this.#tagOf(name) }, ...steps, { kind: 'end' }];
  }

  #rowOf(name: R[0]): R {
    const row = this.#rows.find(([field]) => field === name);
    if (!row) throw new TypeError(`there is no field ${name}`);
    return row;
  }

  #tagOf(name: R[0]): number {
    return tagsOf([this.#rowOf(name)])[name];
  }
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value >>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** A cell. */
export function numberAt(cells: Float64Array, at: number): number {
  return cells[at] ?? 0;
}
