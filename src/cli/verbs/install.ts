// SPDX-License-Identifier: Apache-2.0
import { existsSync, lstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileOfCheckout } from '../../common/checkout.js';
import { ShimError } from '../../common/errors.js';
import type { CliContext } from '../context.js';
import { formatJson } from '../text.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

const PROGRAMS = '/usr/local/bin';
const RELOAD = 'Next: systemctl daemon-reload && systemctl enable --now mvas\n';
const RESTART = 'Restart containerd: it remembers what it has found.\n';

/** For each role, the name that is looked up, our file for it, where its link goes, and what is left to do. */
const ROLES = {
  mvas: {
    ...{ name: 'containerd-shim-mvas-v1', file: 'bin/containerd-shim-mvas-v1' },
    ...{ directory: PROGRAMS, next: '' },
  },
  runc: {
    ...{ name: 'containerd-shim-runc-v2', file: 'bin/containerd-shim-mvas-v1' },
    ...{ directory: PROGRAMS, next: RESTART },
  },
  criu: { name: 'criu', file: 'bin/mvas-criu-probe', directory: PROGRAMS, next: RESTART },
  service: {
    ...{ name: 'mvas.service', file: 'systemd/mvas.service' },
    ...{ directory: '/etc/systemd/system', next: RELOAD },
  },
} as const;

type Role = keyof typeof ROLES;

const OPTIONS = {
  as: {
    type: 'string',
    value: 'NAME',
    default: 'mvas',
    help: 'what to install',
    choices: {
      mvas: 'the shim, for runtime io.containerd.mvas.v1',
      runc: "the shim, in place of containerd's own, for runtime io.containerd.runc.v2",
      criu: 'a program that only tells containerd that CRIU is there',
      service: "a unit of systemd that runs 'mvas serve'",
    },
  },
  dir: {
    type: 'string',
    value: 'DIR',
    help: "directory of the link (default: /usr/local/bin); must come early in containerd's PATH; of the unit: /etc/systemd/system",
    words: 'directory',
  },
  json: JSON_OPTION,
} as const;

/** Links an executable of the checkout where others look for it. */
export const install = defineVerb({
  name: 'install',
  summary: 'install the shim where containerd finds it, or the service',
  description: `Creates a symbolic link to a file of this checkout. It never replaces a file or link that
    'mvas install' did not create.`,
  options: OPTIONS,
  examples: [
    ['mvas install', 'creates /usr/local/bin/containerd-shim-mvas-v1'],
    ['mvas install --as runc', "takes the place of containerd's own shim"],
    [
      'mvas install --as service',
      "creates /etc/systemd/system/mvas.service, which runs 'mvas serve'",
    ],
  ],
  run({ values }, context) {
    const { role, path, target } = placementOf(values);
    const isNew = link({ role, path, target }, context);
    const text = isNew ? `${path} -> ${target}\n${ROLES[role].next}` : `${path} is there already\n`;
    context.writeOut(values.json ? formatJson({ path, target, isNew }) : text);
    return EXIT.ok;
  },
});

/** Removes a link that install created. */
export const uninstall = defineVerb({
  name: 'uninstall',
  summary: "remove a link that 'mvas install' created",
  description: `Removes a link that 'mvas install' created. It never removes anything else.`,
  options: OPTIONS,
  examples: [['mvas uninstall --as runc', "restores containerd's own shim"]],
  run({ values }, context) {
    const { path, target } = placementOf(values);
    const found = linkAt(path);
    if (found !== undefined && found !== target) throw foreign(path, found, 'will not be removed');
    const wasThere = found !== undefined;
    if (wasThere) unlinkSync(path);
    const text = `${path} is ${wasThere ? 'removed' : 'not there'}\n`;
    context.writeOut(values.json ? formatJson({ path, wasThere }) : text);
    return EXIT.ok;
  },
});

interface Placement {
  readonly role: Role;
  /** The link. */
  readonly path: string;
  /** What it points to. */
  readonly target: string;
}

/** Makes a link; returns false if it was there already. @throws ShimError `alreadyExists`, `notFound` */
function link({ role, path, target }: Placement, { searchPath }: CliContext): boolean {
  const found = linkAt(path);
  if (found === target) return false;
  if (found !== undefined) throw foreign(path, found, 'will not be replaced');
  if (!existsSync(target)) {
    throw new ShimError('notFound', `${target} is not built; remedy: npm run build`);
  }
  if (role === 'criu') refuseBesideCriu(searchPath, target);
  symlinkSync(target, path);
  return true;
}

function placementOf({
  as,
  dir,
}: {
  readonly as: string;
  readonly dir: string | undefined;
}): Placement {
  const role = as as Role; // One of the choices.
  const { name, file, directory } = ROLES[role];
  return { role, path: join(dir ?? directory, name), target: fileOfCheckout(file) };
}

/** Where the link at a path points, or a name for anything else there; undefined if there is nothing. */
function linkAt(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return stat.isSymbolicLink() ? readlinkSync(path) : 'a file';
}

/** A responder ahead of a real CRIU in PATH would hide CRIU from everybody else. */
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
