// SPDX-License-Identifier: Apache-2.0

/** As an argument of an operation that is done for each row of a table: a word of the row. */
export class RowWord {
  /** Its offset in the row, in bytes. */
  readonly at: number;
  constructor(at: number) {
    this.at = at;
  }
}

/** The same: the address of something in the row. */
export class RowAddress {
  readonly at: number;
  constructor(at: number) {
    this.at = at;
  }
}

/** Number of a descriptor, the same for all rows or not. */
export type Descriptor = number | RowWord;
