// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import { startAskedProfile } from '../common/asked-profile.js';
import { projectVersion } from '../common/checkout.js';
import { runMvas, type Program } from './entry.js';

/* The `mvas` executable, and its standby. Loads the engine only when a verb needs it, so that help is quick. */

const program: Program = {
  version: projectVersion(),
  openStore: async () => (await import('./vases.js')).vases,
  openKernel: async () => (await import('../criu/index.js')).KernelDevice.open(),
};

async function run(): Promise<void> {
  const profile = await startAskedProfile();
  await runMvas(program);
  profile?.write();
  // A detached restore still watches for an exit, which must not keep this process alive. Only output that a
  // pipe has not taken yet may. Whether it could be written is reported after that.
  await new Promise((resolve) => process.stdout.write('', resolve));
  await turn();
  process.exit();
}

async function standBy(directory: string): Promise<void> {
  const { standByForCommands } = await import('./standby/stand-by.js');
  await standByForCommands(directory, program, run);
}

const [, , first, directory = ''] = process.argv;
void (first === '-standby' ? standBy(directory) : run());
