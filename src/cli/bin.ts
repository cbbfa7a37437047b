// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { ShimError } from '../common/errors.js';
import { runCheckpoint } from './checkpoint.js';
import { runMvas } from './entry.js';
import { EXIT } from './main.js';
import { runRestore } from './restore.js';
import { printable } from './text.js';
import { vases } from './vases.js';

/* The `mvas` executable. */

function version(): string {
  const path = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

async function runVerb(verb: string, args: readonly string[]): Promise<number> {
  try {
    if (verb === 'checkpoint') {
      process.stdout.write(await runCheckpoint(args));
      return EXIT.ok;
    }
    const { text, exitCode } = await runRestore(args);
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

const [verb, ...args] = process.argv.slice(2);
if (verb === 'checkpoint' || verb === 'restore') {
  // A detached restore leaves the watch of its exit behind: nothing may keep the process.
  process.exit(await runVerb(verb, args));
} else {
  await runMvas({ version: version(), openStore: () => Promise.resolve(vases) });
}
