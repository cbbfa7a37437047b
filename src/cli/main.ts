// SPDX-License-Identifier: Apache-2.0
import { ShimError, type ErrorKind } from '../common/errors.js';
import { parseArgs, type Command, type LongVerb, type VerbName } from './args.js';
import type { CliContext } from './context.js';
import { INSPECT_HELP, runInspect } from './inspect.js';
import { LS_HELP, runLs, runLsKernel } from './ls.js';
import { RM_HELP, runRm } from './rm.js';
import { printable } from './text.js';
import { UsageError } from './usage.js';
import { RUN } from './verbs.js';

/** Exit codes of the `mvas` command. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

const HELP = `Usage: mvas COMMAND [OPTIONS]

Shows and removes VASes: address spaces of checkpointed containers, parked in the memory of this
host. Checkpoints and restores containers of plain runc.

Commands:
  ls          list VASes
  inspect     show all about one
  rm          remove VASes and free their memory; also objects of the kernel: vas/NAME, segment/NAME
  checkpoint  checkpoint a container into a new VAS ('mvas checkpoint --help')
  restore     restore a container from a checkpoint ('mvas restore --help')
  -la         list what the kernel keeps (the module mvas): -lv VASes alone, -ls segments alone
  create      create an object of the kernel ('mvas create --help')
  attach-segment
              attach a segment of the kernel to a VAS of it ('mvas attach-segment --help')
  install     link the shim to where containerd finds it ('mvas install --help')
  uninstall   remove such a link

Options:
      --json     print JSON, for programs
  -h, --help     print this, or the help of a command
  -v, --version  print the version

Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

const VERB_HELP: Readonly<Record<VerbName, string>> = {
  ls: LS_HELP,
  inspect: INSPECT_HELP,
  rm: RM_HELP,
};

/** What a person may do about an error of some kind. */
const HINTS: Partial<Readonly<Record<ErrorKind, string>>> = {
  permissionDenied: 'run mvas as root',
  internal: 'this is a fault of mvas-shim: please report it with the output of DEBUG=mvas:*',
};

/** Runs the `mvas` command with the arguments behind its name; returns the exit code. Never rejects. */
export async function main(args: readonly string[], context: CliContext): Promise<number> {
  let who = 'mvas';
  try {
    const command = parseArgs(args);
    if (command.verb !== 'run') return await run(command, context);
    who = `mvas ${command.name}`;
    return await runLong(command.name, command.args, context);
  } catch (error) {
    const isUsage = error instanceof UsageError;
    context.writeError(describe(error, who, context) + (isUsage ? `Try '${who} --help'.\n` : ''));
    return isUsage ? EXIT.usage : EXIT.failed;
  }
}

async function runLong(
  name: LongVerb,
  args: readonly string[],
  context: CliContext,
): Promise<number> {
  const outcome = await RUN[name](args, context);
  const { text, exitCode } =
    typeof outcome === 'string' ? { text: outcome, exitCode: EXIT.ok } : outcome;
  context.writeOut(text);
  return exitCode;
}

async function run(
  command: Exclude<Command, { readonly verb: 'run' }>,
  context: CliContext,
): Promise<number> {
  switch (command.verb) {
    case 'version':
      context.writeOut(`mvas ${context.version}\n`);
      return EXIT.ok;
    case 'help':
      context.writeOut(command.topic === undefined ? HELP : VERB_HELP[command.topic]);
      return EXIT.ok;
    case 'ls':
      return runLs(context, command);
    case 'ls-kernel':
      return runLsKernel(context, command);
    case 'inspect':
      return runInspect(context, command);
    case 'rm':
      return runRm(context, command);
  }
}

function describe(error: unknown, who: string, { isRoot }: CliContext): string {
  const { kind, message, cause } = ShimError.from(error);
  const what = isDenied(cause) ? 'permissionDenied' : kind;
  const hint = what === 'permissionDenied' && isRoot ? undefined : HINTS[what];
  // Several refusals come as a line each.
  const lines = message.split('\n').map(printable).join('\n  ');
  return `${who}: ${lines}\n${hint === undefined ? '' : `hint: ${hint}\n`}`;
}

/** Whether a file could not be used for want of rights. */
function isDenied(cause: unknown): boolean {
  const errno = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return errno === 'EACCES' || errno === 'EPERM';
}
