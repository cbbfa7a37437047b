// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';

/**
 * What the shim is started as: containerd passes `start` or `delete`, the launcher `standby`; without an action it
 * is the daemon.
 */
export type Action = 'start' | 'delete' | 'serve' | 'standby' | 'version' | 'info';

/** The command line of a shim (containerd's runtime v2 contract, Go `flag` syntax). */
export interface ShimArgs {
  readonly action: Action;
  /** containerd's namespace. */
  readonly namespace: string;
  readonly id: string;
  /** containerd's gRPC socket. */
  readonly address: string;
  /** containerd's own executable. */
  readonly publishBinary: string;
  /** Only for `delete`; if empty, the working directory. */
  readonly bundle: string;
  readonly debug: boolean;
  /** Path of the daemon's socket, or of the standby's directory: private to the shim. */
  readonly socket: string;
}

const BOOLEAN_FLAGS = new Set(['debug', 'v', 'version', 'info', 'h', 'help']);
const VALUE_FLAGS = new Set([
  'namespace',
  'id',
  'address',
  'publish-binary',
  'bundle',
  'socket',
  'debug-socket',
]);
const NEEDS_IDENTITY: ReadonlySet<Action> = new Set(['start', 'delete', 'serve']);
/** containerd's identifiers (pkg identifiers): they become parts of paths. */
const IDENTIFIER = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;
const MAX_IDENTIFIER_LENGTH = 76;

/**
 * Parses the arguments after the program's name. Flags may be written `-x v`, `-x=v`, `--x v`, `--x=v`;
 * they end at the first word that is not a flag, or at `--`. Unknown flags are skipped.
 *
 * @throws ShimError `invalidArgument`
 */
export function parseArgs(argv: readonly string[]): ShimArgs {
  const { flags, words } = splitFlags(argv);
  const text = (name: string): string => flags.get(name) ?? '';
  const action = actionOf(flags, words);
  const args = {
    action,
    namespace: text('namespace'),
    id: text('id'),
    address: text('address'),
    publishBinary: text('publish-binary'),
    bundle: text('bundle'),
    debug: isTrue(flags.get('debug')),
    socket: text('socket'),
  };
  if (NEEDS_IDENTITY.has(action)) checkIdentity(args.namespace, args.id);
  return args;
}

function splitFlags(argv: readonly string[]): { flags: Map<string, string>; words: string[] } {
  const flags = new Map<string, string>();
  let index = 0;
  for (; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--') {
      index += 1;
      break;
    }
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (match === null) break;
    const name = match[1] ?? '';
    const inline = match[2];
    if (inline !== undefined) flags.set(name, inline);
    else if (BOOLEAN_FLAGS.has(name)) flags.set(name, 'true');
    else if (VALUE_FLAGS.has(name)) {
      index += 1;
      const value = argv[index];
      if (value === undefined) throw invalid(`flag -${name} needs a value`);
      flags.set(name, value);
    }
  }
  return { flags, words: argv.slice(index) };
}

function actionOf(flags: ReadonlyMap<string, string>, words: readonly string[]): Action {
  if (isTrue(flags.get('v')) || isTrue(flags.get('version'))) return 'version';
  if (isTrue(flags.get('info'))) return 'info';
  const [word] = words;
  if (word === undefined || word === '') return 'serve';
  if (word === 'start' || word === 'delete' || word === 'standby') return word;
  throw invalid(`unknown action ${JSON.stringify(word)}`);
}

function checkIdentity(namespace: string, id: string): void {
  for (const [name, value] of [
    ['namespace', namespace],
    ['id', id],
  ] as const) {
    if (value.length > MAX_IDENTIFIER_LENGTH || !IDENTIFIER.test(value)) {
      throw invalid(`-${name} ${JSON.stringify(value)} is not a valid identifier`);
    }
  }
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value);
}

function invalid(message: string): ShimError {
  return new ShimError('invalidArgument', `parse arguments: ${message}`);
}
