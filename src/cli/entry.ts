// SPDX-License-Identifier: Apache-2.0
import type { CliContext } from './context.js';
import { main } from './main.js';
import { EXIT } from './verb.js';

/** What a program provides to the command line. */
export type Program = Pick<CliContext, 'version' | 'openStore' | 'openKernel'>;

/** The command line's context in this process. */
export function contextOf(program: Program): CliContext {
  return {
    ...program,
    isRoot: process.geteuid?.() === 0,
    survey: async () => (await import('../criu/index.js')).surveyHost(),
    searchPath: process.env['PATH'] ?? '',
    writeOut: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    now: () => new Date(),
  };
}

/**
 * Runs the `mvas` command in this process: its arguments, its stdio, its exit code. A reader that
 * closes the pipe early (`mvas ls | head`) ends the output without an error.
 */
export async function runMvas(program: Program): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(`mvas: write the output: ${error.code ?? error.message}\n`);
    process.exitCode = EXIT.failed;
  });
  process.exitCode = await main(process.argv.slice(2), contextOf(program));
}
