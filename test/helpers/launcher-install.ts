// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BIN, REPOSITORY } from './paths.js';
import { run } from './run.js';

/** An install of the shim's launcher whose Node leaves a mark: the file that the variable TEST_MARKER names. */
export interface LauncherInstall {
  /** The launcher. */
  readonly shim: string;
  /** What it has Node run. */
  readonly entry: string;
  /** Removes it. */
  remove(): void;
}

/** Bundles what was compiled, and installs a launcher. */
export async function installLauncher(): Promise<LauncherInstall> {
  await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]);
  const directory = mkdtempSync(join(tmpdir(), 'mvas-install-'));
  const shim = join(directory, 'bin/containerd-shim-mvas-v1');
  const entry = join(directory, 'dist/bundle/shim/main.js');
  const addon = join(directory, 'native/build/mvas.node');
  for (const path of [entry, addon, shim]) mkdirSync(dirname(path), { recursive: true });
  writeFileSync(addon, '');
  copyFileSync(join(BIN, 'containerd-shim-mvas-v1'), shim);
  const mark = `require('node:fs').writeFileSync(process.env.TEST_MARKER, '')`;
  const real = join(REPOSITORY, 'dist/bundle/shim/main.js');
  writeFileSync(entry, `${mark}; import(${JSON.stringify(real)})`);
  const remove = (): void => {
    rmSync(directory, { recursive: true, force: true });
  };
  return { shim, entry, remove };
}
