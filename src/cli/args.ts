// SPDX-License-Identifier: Apache-2.0
import { assertInvariant, ShimError } from '../common/errors.js';
import { LISTS, type KernelListing } from './kernel-objects.js';

/** Verbs of the `mvas` command. */
export const VERBS = ['ls', 'inspect', 'rm'] as const;

/** A verb. */
export type VerbName = (typeof VERBS)[number];

/** What a command line asks for. */
export type Command =
  | { readonly verb: 'version' }
  | { readonly verb: 'help'; readonly topic: VerbName | undefined }
  | { readonly verb: 'ls'; readonly json: boolean; readonly quiet: boolean }
  | ({ readonly verb: 'ls-kernel' } & KernelListing)
  | { readonly verb: 'inspect' | 'rm'; readonly json: boolean; readonly ids: readonly string[] };

const ALIASES: ReadonlyMap<string, VerbName> = new Map([
  ['list', 'ls'],
  ['show', 'inspect'],
  ['remove', 'rm'],
]);

type Option = 'help' | 'version' | 'json' | 'quiet' | `-l${string}`;

const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ['-h', 'help'],
  ['--help', 'help'],
  ['-V', 'version'],
  ['--version', 'version'],
  ['--json', 'json'],
  ['-q', 'quiet'],
  ['--quiet', 'quiet'],
  ['-la', '-la'],
  ['-lv', '-lv'],
  ['-ls', '-ls'],
]);

/**
 * Parses the arguments behind the program's name. Options may stand anywhere; `--` ends them.
 *
 * @throws ShimError `invalidArgument` for a command line that makes no sense.
 */
export function parseArgs(args: readonly string[]): Command {
  const { options, words } = split(args);
  const [first, ...rest] = words;
  if (options.has('version')) return { verb: 'version' };
  if (first === 'help') return { verb: 'help', topic: parseTopic(rest) };
  if (options.has('help')) return { verb: 'help', topic: parseTopic(words.slice(0, 1)) };
  const lists = [...LISTS].flatMap(([option, kinds]) => (options.has(option) ? [kinds] : []));
  if (lists.length > 1) throw usage(`'-la', '-lv' and '-ls' exclude each other`);
  if (lists[0]) return parseKernelList(lists[0], words, options);
  if (first === undefined) throw usage('no command given');
  return parseVerb(parseName(first), rest, options);
}

/** `mvas -la` or `mvas ls -la`. */
function parseKernelList(
  kinds: KernelListing['kinds'],
  words: readonly string[],
  options: ReadonlySet<string>,
): Command {
  const [verb = 'ls', ...rest] = words;
  if (parseName(verb) !== 'ls') throw usage(`'${verb}' does not list`);
  const listing = parseVerb('ls', rest, options);
  assertInvariant(listing.verb === 'ls', 'ls is ls');
  return { ...listing, verb: 'ls-kernel', kinds };
}

function parseVerb(verb: VerbName, ids: readonly string[], options: ReadonlySet<string>): Command {
  const json = options.has('json');
  const quiet = options.has('quiet');
  if (verb === 'ls') {
    if (ids[0] !== undefined) throw usage(`'ls' takes no argument, got '${ids[0]}'`);
    if (json && quiet) throw usage(`'--json' and '--quiet' exclude each other`);
    return { verb, json, quiet };
  }
  if (quiet) throw usage(`'${verb}' has no option '--quiet'`);
  if (ids.length === 0) throw usage(`'${verb}' needs the id or name of a VAS`);
  if (ids.includes('')) throw usage(`an id cannot be empty`);
  return { verb, json, ids };
}

function split(args: readonly string[]): { options: ReadonlySet<string>; words: string[] } {
  const end = args.indexOf('--');
  const before = end < 0 ? args : args.slice(0, end);
  const behind = end < 0 ? [] : args.slice(end + 1);
  const isOption = (arg: string): boolean => arg.startsWith('-') && arg !== '-';
  const options = before.filter(isOption).map((arg) => {
    const option = OPTIONS.get(arg);
    if (option === undefined) throw usage(`unknown option '${arg}'`);
    return option;
  });
  const words = [...before.filter((arg) => !isOption(arg)), ...behind];
  return { options: new Set(options), words };
}

function parseTopic([word, ...more]: readonly string[]): VerbName | undefined {
  if (more[0] !== undefined) throw usage(`'help' takes one command, got '${more[0]}' too`);
  return word === undefined ? undefined : parseName(word);
}

function parseName(word: string): VerbName {
  const verb = ALIASES.get(word) ?? VERBS.find((name) => name === word);
  if (verb === undefined) throw usage(`unknown command '${word}'`);
  return verb;
}

function usage(message: string): ShimError {
  return new ShimError('invalidArgument', message);
}
