// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { ShimError } from '../common/errors.js';
import { KernelDevice } from '../criu/index.js';
import { runAttachSegment } from './attach-segment.js';
import { runCheckpoint } from './checkpoint.js';
import { runCreate } from './create.js';
import { runMvas } from './entry.js';
import { runInstall, runUninstall } from './install.js';
import { EXIT } from './main.js';
import { runRestore } from './restore.js';
import { printable } from './text.js';
import { vases } from './vases.js';

/* The `mvas` executable. */

function version(): string {
  const path = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

const openKernel = (): KernelDevice => KernelDevice.open();

/** Verbs that take more than the ids of VASes. */
const VERBS: Readonly<Record<string, (args: readonly string[]) => Outcome | Promise<Outcome>>> = {
  checkpoint: async (args) => ({ text: await runCheckpoint(args), exitCode: EXIT.ok }),
  restore: runRestore,
  create: (args) => ({ text: runCreate(args, openKernel), exitCode: EXIT.ok }),
  'attach-segment': (args) => ({ text: runAttachSegment(args, openKernel), exitCode: EXIT.ok }),
  install: (args) => ({ text: runInstall(args), exitCode: EXIT.ok }),
  uninstall: (args) => ({ text: runUninstall(args), exitCode: EXIT.ok }),
};

interface Outcome {
  readonly text: string;
  readonly exitCode: number;
}

async function runVerb(
  verb: string,
  run: NonNullable<(typeof VERBS)[string]>,
  args: readonly string[],
): Promise<number> {
  try {
    const { text, exitCode } = await run(args);
    process.stdout.write(text);
    return exitCode;
  } catch (error) {
    const isUsage = error instanceof TypeError && 'code' in error;
    // Several refusals come as a line each.
    const lines = ShimError.from(error).message.split('\n').map(printable);
    process.stderr.write(`mvas ${verb}: ${lines.join('\n  ')}\n`);
    return isUsage ? EXIT.usage : EXIT.failed;
  }
}

const [verb = '', ...args] = process.argv.slice(2);
const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
if (run !== undefined) {
  // A detached restore leaves the watch of its exit behind: nothing may keep the process.
  process.exit(await runVerb(verb, run, args));
} else {
  await runMvas({ version: version(), openStore: () => Promise.resolve(vases), openKernel });
}
