// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Versions of the programs beside the engine, as PATH finds them; '' for one that is missing. */
export interface Programs {
  readonly runc: string;
  readonly crun: string;
  readonly containerd: string;
  /** Path of the shim. */
  readonly shim: string;
}

const SHIM = 'containerd-shim-mvas-v1';
const LIMIT_MS = 10_000;

/** Asks the programs in a search path for their versions. */
export function surveyPrograms(searchPath: string): Programs {
  const find = (name: string): string =>
    searchPath
      .split(delimiter)
      .map((directory) => join(directory, name))
      .find(isExecutable) ?? '';
  return {
    runc: versionOf(find('runc')),
    crun: versionOf(find('crun')),
    containerd: versionOf(find('containerd')),
    shim: find(SHIM),
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first number with a dot in what a program prints about its version. */
function versionOf(path: string): string {
  if (path === '') return '';
  const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: LIMIT_MS });
  if (error) return '';
  return /\d+\.\d+[^\s,]*/.exec(stdout)?.[0] ?? 'of unknown version';
}
