// SPDX-License-Identifier: Apache-2.0
import { ShimError, type ErrorKind } from '../common/errors.js';
import type { CliContext } from './context.js';
import { parseCommand } from './parse.js';
import { formatHelp, formatVerbHelp } from './render/help.js';
import { printable } from './text.js';
import { UsageError } from './usage.js';
import { EXIT } from './verb.js';
import { VERBS } from './verbs.js';

/** What the user can do about an error, by its kind. */
const HINTS: Partial<Readonly<Record<ErrorKind, string>>> = {
  permissionDenied: 'run mvas as root',
  internal: 'this is a fault of mvas-shim: please report it with the output of DEBUG=mvas:*',
};

/** Runs the `mvas` command with the arguments after its name; returns the exit code. Never rejects. */
export async function main(args: readonly string[], context: CliContext): Promise<number> {
  let who = 'mvas';
  try {
    const command = parseCommand(args, VERBS);
    if (command.asks === 'run') {
      const { verb, input } = command;
      who = verb.speaker ?? `mvas ${verb.name}`;
      return await verb.run(input, context, VERBS);
    }
    if (command.asks === 'version') context.writeOut(`mvas ${context.version}\n`);
    else context.writeOut(command.verb ? formatVerbHelp(command.verb) : formatHelp(VERBS));
    return EXIT.ok;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    if (isUsage && error.verb !== undefined) who = `mvas ${error.verb}`;
    context.writeError(describe(error, who, context) + (isUsage ? `Try '${who} --help'.\n` : ''));
    return isUsage ? EXIT.usage : EXIT.failed;
  }
}

function describe(error: unknown, who: string, { isRoot }: CliContext): string {
  const { kind, message, cause } = ShimError.from(error);
  const what = isDenied(cause) ? 'permissionDenied' : kind;
  const hint = what === 'permissionDenied' && isRoot ? undefined : hintFor(error, what);
  // Each of several refusals is on a line of its own.
  const lines = message.split('\n').map(printable).join('\n  ');
  return `${who}: ${lines}\n${hint === undefined ? '' : `hint: ${hint}\n`}`;
}

function hintFor(error: unknown, kind: ErrorKind): string | undefined {
  const isUnloadable = codeOf(error) === 'ERR_DLOPEN_FAILED';
  return isUnloadable ? 'build mvas-shim on this machine (npm run build)' : HINTS[kind];
}

/** Whether access to a file was denied. */
function isDenied(cause: unknown): boolean {
  const errno = codeOf(cause);
  return errno === 'EACCES' || errno === 'EPERM';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
