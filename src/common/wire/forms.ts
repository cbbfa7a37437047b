// SPDX-License-Identifier: Apache-2.0

/**
 * What a message in a frequent form consists of, step by step. Each fills cells, which are numbers: `number` one, with
 * its value; `words`, a list of numbers of 32 bits, their count and then `most` cells; `text`, printable ASCII, and
 * `part`, a message, where it begins and its length: where the same bytes have been before, if they have. `begin` and
 * `end` enclose the steps of a message within it; `same` are bytes that are always the same.
 */
export type FormStep =
  | {
      readonly kind: 'number';
      readonly tag: number;
      /** The least and the greatest value. */
      readonly least: number;
      readonly most: number;
      readonly isRequired: boolean;
    }
  | { readonly kind: 'same'; readonly bytes: Uint8Array }
  | { readonly kind: 'words'; readonly tag: number; readonly most: number }
  | { readonly kind: 'begin' | 'text' | 'part'; readonly tag: number }
  | { readonly kind: 'end' };

/** The cell of a number that is not there. */
export const NO_NUMBER = -1;
/** Cells before those of a message: the number of its form, where its size begins, and the place behind it. */
export const FORM_CELLS = { form: 0, begin: 1, behind: 2, message: 3 } as const;

/** What a message is made of besides numbers. */
export interface FormParts {
  readonly text: (at: number, length: number) => string;
  readonly part: (name: string, at: number, length: number) => object;
}

/** A form that a message often has. */
export interface Form<M = object> {
  readonly steps: readonly FormStep[];
  /**
   * The message whose cells begin at a place. As one literal: V8 reads objects of one shape many times as fast as
   * those that are put together. Undefined if it is none after all; then its table says why.
   */
  readonly make: (cells: Float64Array, at: number, parts: FormParts) => M | undefined;
}

/** All forms of a message that a quicker reader knows than the one by its table. */
export interface Forms<M = object> {
  readonly forms: readonly Form<M>[];
  /** The cells whose sum is the length of what follows each message. */
  readonly payload?: readonly [number, number];
  readonly read: FormReader;
}

/** Messages, each behind its size in four bytes. */
export interface FramedList {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly end: number;
  /** Messages to read at most. */
  readonly most: number;
}

/** The first messages of a list, as rows of `width` cells. */
export interface FoundForms {
  readonly cells: Float64Array;
  readonly length: number;
  readonly width: number;
}

/** Reads messages up to the first one that is of no form. What is of none may be valid. */
export type FormReader = (list: FramedList, forms: Pick<Forms, 'forms' | 'payload'>) => FoundForms;

/** What a message of a form costs at most: how many messages it consists of, and words of lists. */
export function costsOf({ forms }: Pick<Forms, 'forms'>): {
  readonly messages: number;
  readonly words: number;
} {
  const most = (cost: (step: FormStep) => number): number =>
    Math.max(...forms.map(({ steps }) => steps.reduce((sum, step) => sum + cost(step), 0)));
  return {
    messages: 1 + most(({ kind }) => Number(kind === 'begin')),
    words: most((step) => (step.kind === 'words' ? step.most : 0)),
  };
}
