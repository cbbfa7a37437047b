// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import { projectVersion } from '../common/checkout.js';
import { runMvas } from './entry.js';

/* The `mvas` executable. Loads the engine when a verb needs it: help is quick. */

async function run(): Promise<void> {
  await runMvas({
    version: projectVersion(),
    openStore: async () => (await import('./vases.js')).vases,
    openKernel: async () => (await import('../criu/index.js')).KernelDevice.open(),
  });
  // A detached restore leaves the watch of its exit behind: nothing may keep the process, but the output
  // that a pipe has not taken yet. Whether it could be written is told after that.
  await new Promise((resolve) => process.stdout.write('', resolve));
  await turn();
  process.exit();
}

void run();
