// SPDX-License-Identifier: Apache-2.0
import type { CliContext } from './context.js';

/** What a shell can offer for a word of the command line. */
export type Words = 'file' | 'directory' | 'vas' | 'container' | 'object' | readonly string[];

interface CommonOption {
  /** The letter of its short form. */
  readonly short?: string;
  /** One line without a full stop. */
  readonly help: string;
}

/** An option without a value. */
export interface Flag extends CommonOption {
  readonly type: 'boolean';
}

/** An option with a value. */
export interface Valued extends CommonOption {
  readonly type: 'string';
  /** What help calls the value. */
  readonly value: string;
  readonly default?: string;
  /** All values that it takes, each with one line of help. */
  readonly choices?: Readonly<Record<string, string>>;
  /** What completes the value; choices complete themselves. */
  readonly words?: Words;
}

/** The options of a verb, by their long names. */
export type Options = Readonly<Record<string, Flag | Valued>>;

type ValueOf<O> = O extends Flag
  ? boolean
  : O extends { default: string }
    ? string
    : string | undefined;

/** What a command line passes to a verb: its options, and the words that are not options. */
export interface Input<O extends Options> {
  readonly values: { readonly [K in keyof O]: ValueOf<O[K]> };
  /** As many as the verb takes, none of them empty. */
  readonly words: readonly string[];
}

/** The words that a verb takes besides its options. */
export interface Arguments {
  /** How help shows them: `ID...`. */
  readonly synopsis: string;
  readonly min: number;
  readonly max: number;
  /** The error for fewer or more words; it follows the verb's name. */
  readonly wrong: string;
  readonly words: Words;
}

/** Everything about a verb, for the parser, help, completion and the man page. */
export interface VerbOf<O extends Options> {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line that begins with a verb, without a full stop. */
  readonly summary: string;
  /** What follows its name in a call, unless that is `[OPTIONS]` and its arguments. */
  readonly usage?: readonly string[];
  /** Paragraphs, separated by blank lines. */
  readonly description: string;
  readonly options: O;
  /** undefined: it takes none. */
  readonly arguments?: Arguments;
  /** Command lines to try, and what each does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** Its exit codes, if they differ from those of other verbs. */
  readonly exitCodes?: readonly (readonly [code: string, meaning: string])[];
  /** What its errors begin with, unless that is `mvas` and its name. */
  readonly speaker?: string;
  /** Options that imply the verb if none is named. */
  readonly impliedBy?: RegExp;
  /** Returns the exit code. `verbs`: the table that it is in. */
  run(input: Input<O>, context: CliContext, verbs: readonly Verb[]): number | Promise<number>;
}

/** A verb, whatever its options are. */
export type Verb = VerbOf<Options>;

/** Lets a verb's `run` know the types of its options. */
export function defineVerb<const O extends Options>(verb: VerbOf<O>): Verb {
  return verb;
}

/** Every verb that prints data has it. */
export const JSON_OPTION = { type: 'boolean', help: 'print JSON' } as const;

/** Every verb has them. */
export const COMMON_OPTIONS = {
  help: { type: 'boolean', short: 'h', help: 'print this, or the help of a command' },
  version: { type: 'boolean', short: 'v', help: 'print the version' },
} as const satisfies Options;

/** Exit codes of the `mvas` command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, missing: 3 } as const;

/** What the exit codes of most verbs mean. */
export const EXIT_CODES: NonNullable<Verb['exitCodes']> = [
  ['0', 'done'],
  ['1', 'failed'],
  ['2', 'wrong usage'],
];

/** A verb's name and its aliases. */
export function namesOf({ name, aliases = [] }: Verb): string[] {
  return [name, ...aliases];
}
