// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { KernelDevice } from '../criu/index.js';
import { runMvas } from './entry.js';
import { vases } from './vases.js';

/* The `mvas` executable. */

function version(): string {
  const path = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

await runMvas({
  version: version(),
  openStore: () => Promise.resolve(vases),
  openKernel: () => KernelDevice.open(),
});
// A detached restore leaves the watch of its exit behind: nothing may keep the process, but the output
// that a pipe has not taken yet. Whether it could be written is told after that.
await new Promise((resolve) => process.stdout.write('', resolve));
await turn();
process.exit();
