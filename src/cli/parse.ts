// SPDX-License-Identifier: Apache-2.0
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './usage.js';
import { COMMON_OPTIONS, JSON_OPTION, type Input, type Options, type Verb } from './verb.js';

/** What a command line asks for. */
export type Command =
  | { readonly asks: 'version' }
  /** `verb` undefined: help on the command as a whole. */
  | { readonly asks: 'help'; readonly verb: Verb | undefined }
  | { readonly asks: 'run'; readonly verb: Verb; readonly input: Input<Options> };

/** The options that are allowed without a verb. */
const BARE_OPTIONS: Options = { json: JSON_OPTION };

/**
 * Parses the arguments after the program's name. The first word that is not an option is the verb; options
 * may stand anywhere, even before it; `--` ends them.
 *
 * @throws UsageError for an invalid command line
 */
export function parseCommand(args: readonly string[], verbs: readonly Verb[]): Command {
  const at = args.findIndex((arg) => !arg.startsWith('-') || arg === '-');
  const word = args[at];
  const verb = word === undefined ? impliedBy(args, verbs) : verbNamed(word, verbs);
  const rest = args.filter((_, index) => index !== at);
  const { values, positionals } = split(rest, verb);
  if (values['version'] === true || values['V'] === true) return { asks: 'version' };
  if (values['help'] === true) return { asks: 'help', verb };
  if (verb === undefined) throw new UsageError('no command given');
  checkChoices(verb, values);
  checkWords(verb, positionals);
  return { asks: 'run', verb, input: { values: valuesOf(verb, values), words: positionals } };
}

/** Finds a verb by its name or an alias. @throws UsageError */
export function verbNamed(word: string, verbs: readonly Verb[]): Verb {
  const verb = verbs.find(({ name, aliases = [] }) => name === word || aliases.includes(word));
  if (verb === undefined) throw new UsageError(`unknown command '${word}'`);
  return verb;
}

function impliedBy(args: readonly string[], verbs: readonly Verb[]): Verb | undefined {
  return verbs.find(({ impliedBy: options }) => options && args.some((arg) => options.test(arg)));
}

type Values = Readonly<
  Record<string, string | boolean | readonly (string | boolean)[] | undefined>
>;

function split(args: string[], verb: Verb | undefined): { values: Values; positionals: string[] } {
  const options: NonNullable<ParseArgsConfig['options']> = {
    V: { type: 'boolean', short: 'V' }, // The version has two short forms.
  };
  const all: Options = { ...COMMON_OPTIONS, ...(verb?.options ?? BARE_OPTIONS) };
  for (const [name, option] of Object.entries(all)) {
    const { type, short } = option;
    const multiple = option.type === 'string' && option.choices !== undefined;
    options[name] = { type, multiple, ...(short === undefined ? {} : { short }) };
  }
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (cause) {
    if (!(cause instanceof TypeError && 'code' in cause)) throw cause;
    // Advice on `--` follows the first sentence.
    const [what = ''] = cause.message.split('. ');
    const message = what.charAt(0).toLowerCase() + what.slice(1);
    throw new UsageError(message, { cause, ...(verb && { verb: verb.name }) });
  }
}

/** An option with choices takes one value, which must be one of them. */
function checkChoices(verb: Verb, values: Values): void {
  for (const [name, option] of Object.entries(verb.options)) {
    if (option.type !== 'string' || option.choices === undefined) continue;
    const given = [...new Set([values[name] ?? []].flat())].map(String);
    const choices = Object.keys(option.choices);
    const foreign = given.find((value) => !choices.includes(value));
    const fail = (message: string): never => {
      throw new UsageError(message, { verb: verb.name });
    };
    if (foreign !== undefined) {
      fail(`'--${name} ${foreign}': not one of ${choices.join(', ')}`);
    }
    if (given.length > 1) {
      fail(`${given.map((value) => `'--${name} ${value}'`).join(' and ')} exclude each other`);
    }
  }
}

function checkWords({ name, arguments: wanted }: Verb, words: readonly string[]): void {
  const { min, max } = wanted ?? { min: 0, max: 0 };
  if (words.length >= min && words.length <= max && !words.includes('')) return;
  const wrong = wanted?.wrong ?? `takes no argument, got '${words[0] ?? ''}'`;
  throw new UsageError(`'${name}' ${wrong}`, { verb: name });
}

function valuesOf(verb: Verb, values: Values): Input<Options>['values'] {
  const entries = Object.entries(verb.options).map(([name, option]) => {
    const given = [values[name] ?? []].flat()[0];
    const value = option.type === 'boolean' ? given === true : (given ?? option.default);
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}
