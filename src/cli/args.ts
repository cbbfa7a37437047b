// SPDX-License-Identifier: Apache-2.0
import { assertInvariant } from '../common/errors.js';
import { LISTS, type KernelListing } from './kernel-objects.js';
import { UsageError } from './usage.js';

/** Verbs of the `mvas` command that take ids of VASes alone. */
export const VERBS = ['ls', 'inspect', 'rm'] as const;
export type VerbName = (typeof VERBS)[number];

/** Verbs with a command line of their own. */
export const LONG_VERBS = [
  'checkpoint',
  'restore',
  'create',
  'attach-segment',
  'install',
  'uninstall',
] as const;
export type LongVerb = (typeof LONG_VERBS)[number];

/** What `mvas rm` is to remove; `force`: also what is being filled. */
export interface Removal {
  readonly json: boolean;
  readonly force: boolean;
  readonly ids: readonly string[];
}

/** What a command line asks for. */
export type Command =
  | { readonly verb: 'version' }
  | { readonly verb: 'help'; readonly topic: VerbName | undefined }
  | { readonly verb: 'ls'; readonly json: boolean; readonly quiet: boolean }
  | ({ readonly verb: 'ls-kernel' } & KernelListing)
  | { readonly verb: 'inspect'; readonly json: boolean; readonly ids: readonly string[] }
  | ({ readonly verb: 'rm' } & Removal)
  | { readonly verb: 'run'; readonly name: LongVerb; readonly args: readonly string[] };

const ALIASES: ReadonlyMap<string, VerbName> = new Map([
  ['list', 'ls'],
  ['show', 'inspect'],
  ['remove', 'rm'],
]);

type Option = 'help' | 'version' | 'json' | 'quiet' | 'force' | `-l${string}`;

const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ['-h', 'help'],
  ['--help', 'help'],
  ['-V', 'version'],
  ['-v', 'version'],
  ['--version', 'version'],
  ['--json', 'json'],
  ['-q', 'quiet'],
  ['--quiet', 'quiet'],
  ['-f', 'force'],
  ['--force', 'force'],
  ['-la', '-la'],
  ['-lv', '-lv'],
  ['-ls', '-ls'],
]);

/**
 * Parses the arguments behind the program's name. Options may stand anywhere; `--` ends them.
 *
 * @throws UsageError for a command line that makes no sense.
 */
export function parseArgs(args: readonly string[]): Command {
  return parseLong(args) ?? parseShort(args);
}

/** A verb with a command line of its own gets all but its name; undefined for any other. */
function parseLong(args: readonly string[]): Command | undefined {
  const at = args.findIndex((arg) => !isOption(arg));
  const name = longVerb(args[at]);
  if (name === undefined) return undefined;
  const before = args.slice(0, at);
  if (before.some((arg) => OPTIONS.get(arg) === 'version')) return { verb: 'version' };
  return { verb: 'run', name, args: [...before, ...args.slice(at + 1)] };
}

function parseShort(args: readonly string[]): Command {
  const { options, words } = split(args);
  const [first, ...rest] = words;
  if (options.has('version')) return { verb: 'version' };
  if (first === 'help') return parseHelp(rest);
  if (options.has('help')) return parseHelp(words.slice(0, 1));
  const lists = [...LISTS].flatMap(([option, kinds]) => (options.has(option) ? [kinds] : []));
  if (lists.length > 1) throw new UsageError(`'-la', '-lv' and '-ls' exclude each other`);
  if (lists[0]) return parseKernelList(lists[0], words, options);
  if (first === undefined) throw new UsageError('no command given');
  return parseVerb(parseName(first), rest, options);
}

/** `mvas -la` or `mvas ls -la`. */
function parseKernelList(
  kinds: KernelListing['kinds'],
  words: readonly string[],
  options: ReadonlySet<string>,
): Command {
  const [verb = 'ls', ...rest] = words;
  if (parseName(verb) !== 'ls') throw new UsageError(`'${verb}' does not list`);
  const listing = parseVerb('ls', rest, options);
  assertInvariant(listing.verb === 'ls', 'ls is ls');
  return { ...listing, verb: 'ls-kernel', kinds };
}

function parseVerb(verb: VerbName, ids: readonly string[], options: ReadonlySet<string>): Command {
  const json = options.has('json');
  const quiet = options.has('quiet');
  const force = options.has('force');
  if (force && verb !== 'rm') throw new UsageError(`'${verb}' has no option '--force'`);
  if (verb === 'ls') {
    if (ids[0] !== undefined) throw new UsageError(`'ls' takes no argument, got '${ids[0]}'`);
    if (json && quiet) throw new UsageError(`'--json' and '--quiet' exclude each other`);
    return { verb, json, quiet };
  }
  if (quiet) throw new UsageError(`'${verb}' has no option '--quiet'`);
  if (ids.length === 0) throw new UsageError(`'${verb}' needs the id or name of a VAS`);
  if (ids.includes('')) throw new UsageError(`an id cannot be empty`);
  return verb === 'rm' ? { verb, json, force, ids } : { verb, json, ids };
}

function split(args: readonly string[]): { options: ReadonlySet<string>; words: string[] } {
  const end = args.indexOf('--');
  const before = end < 0 ? args : args.slice(0, end);
  const behind = end < 0 ? [] : args.slice(end + 1);
  const options = before.filter(isOption).map((arg) => {
    const option = OPTIONS.get(arg);
    if (option === undefined) throw new UsageError(`unknown option '${arg}'`);
    return option;
  });
  const words = [...before.filter((arg) => !isOption(arg)), ...behind];
  return { options: new Set(options), words };
}

function isOption(arg: string): boolean {
  return arg.startsWith('-') && arg !== '-';
}

function parseHelp([word, ...more]: readonly string[]): Command {
  if (word === 'help') return parseHelp(more);
  if (more[0] !== undefined) throw new UsageError(`'help' takes one command, got '${more[0]}' too`);
  const name = longVerb(word);
  if (name !== undefined) return { verb: 'run', name, args: ['--help'] };
  return { verb: 'help', topic: word === undefined ? undefined : parseName(word) };
}

function longVerb(word: string | undefined): LongVerb | undefined {
  return LONG_VERBS.find((name) => name === word);
}

function parseName(word: string): VerbName {
  const verb = ALIASES.get(word) ?? VERBS.find((name) => name === word);
  if (verb === undefined) throw new UsageError(`unknown command '${word}'`);
  return verb;
}
