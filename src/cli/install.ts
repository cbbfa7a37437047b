// SPDX-License-Identifier: Apache-2.0
import { existsSync, lstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ShimError } from '../common/errors.js';
import { parseOptions, UsageError } from './usage.js';

const HELP = `Usage: mvas install [--as NAME] [--dir DIR]
       mvas uninstall [--as NAME] [--dir DIR]

Makes, or removes, a symbolic link to an executable of this checkout. What it did not make it neither
replaces nor removes.

Options:
      --as NAME  what to be (default: mvas)
                   mvas  the shim, for runtime io.containerd.mvas.v1
                   runc  the shim, in place of containerd's own, for runtime io.containerd.runc.v2
                   criu  an answer to containerd's question whether CRIU is there; nothing else
      --dir DIR  where (default: /usr/local/bin); has to come early in containerd's PATH
`;

/** Under which name each role is looked up, and which of our executables plays it. */
const ROLES = {
  mvas: { name: 'containerd-shim-mvas-v1', executable: 'containerd-shim-mvas-v1' },
  runc: { name: 'containerd-shim-runc-v2', executable: 'containerd-shim-mvas-v1' },
  criu: { name: 'criu', executable: 'mvas-criu-probe' },
} as const;

type Role = keyof typeof ROLES;

interface Placement {
  readonly role: Role;
  /** The link. */
  readonly path: string;
  /** What it leads to. */
  readonly target: string;
}

/** Runs `mvas install`; returns what to print. @throws ShimError `alreadyExists`; UsageError */
export function runInstall(
  args: readonly string[],
  searchPath = process.env['PATH'] ?? '',
): string {
  const placement = parse(args);
  if (placement === undefined) return HELP;
  const { role, path, target } = placement;
  const found = linkAt(path);
  if (found === target) return `${path} is there already\n`;
  if (found !== undefined) throw foreign(path, found, 'will not be replaced');
  if (!existsSync(target)) {
    throw new ShimError('notFound', `${target} is not built; remedy: npm run build`);
  }
  if (role === 'criu') refuseBesideCriu(searchPath, target);
  symlinkSync(target, path);
  return `${path} -> ${target}\n${role === 'mvas' ? '' : 'Restart containerd: it remembers what it has found.\n'}`;
}

/** Runs `mvas uninstall`; returns what to print. @throws ShimError `alreadyExists`; UsageError */
export function runUninstall(args: readonly string[]): string {
  const placement = parse(args);
  if (placement === undefined) return HELP;
  const { path, target } = placement;
  const found = linkAt(path);
  if (found === undefined) return `${path} is not there\n`;
  if (found !== target) throw foreign(path, found, 'will not be removed');
  unlinkSync(path);
  return `${path} is removed\n`;
}

function parse(args: readonly string[]): Placement | undefined {
  const { values } = parseOptions({
    args: [...args],
    options: {
      as: { type: 'string', default: 'mvas' },
      dir: { type: 'string', default: '/usr/local/bin' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const role = (Object.keys(ROLES) as Role[]).find((name) => name === values.as);
  if (role === undefined) {
    throw new UsageError(`'--as ${values.as}': not one of mvas, runc, criu`);
  }
  const target = fileURLToPath(new URL(`../../../bin/${ROLES[role].executable}`, import.meta.url));
  return { role, path: join(values.dir, ROLES[role].name), target };
}

/** Where the link at a path leads; what else is there is named; undefined for nothing. */
function linkAt(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return stat.isSymbolicLink() ? readlinkSync(path) : 'a file';
}

/** A responder in front of a real CRIU would take it away from everybody else. */
function refuseBesideCriu(searchPath: string, target: string): void {
  const paths = searchPath.split(delimiter).map((directory) => join(directory, 'criu'));
  const found = paths.find((path) => ![undefined, target].includes(linkAt(path)));
  if (found === undefined) return;
  const message = `CRIU is installed (${found}): containerd needs no other answer`;
  throw new ShimError('failedPrecondition', message);
}

function foreign(path: string, found: string, what: string): ShimError {
  const message = `${path} is ${found === 'a file' ? found : `a link to ${found}`}, not ours: it ${what}`;
  return new ShimError('alreadyExists', message);
}
