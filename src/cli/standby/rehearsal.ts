// SPDX-License-Identifier: Apache-2.0
import 'node:tty';
import { join } from 'node:path';
import { contextOf, type Program } from '../entry.js';
import { main } from '../main.js';

/** Code that has run a few times takes a fraction of the time of its first run. */
const TIMES = 3;

/**
 * Runs commands about containers that do not exist, whose output nobody sees: what runs for every command
 * has run once before the first one. Leaves nothing.
 *
 * @param directory private to the standby
 */
export async function rehearse(directory: string, program: Program): Promise<void> {
  const context = {
    ...contextOf(program),
    writeOut: () => undefined,
    writeError: () => undefined,
  };
  const nothing = join(directory, 'nothing');
  const commands = [
    ['ls'],
    ['ls', '--json'],
    ['restore', '--image-path', nothing, '--bundle', nothing, '--runc-root', nothing, 'nobody'],
    ['checkpoint', '--runc-root', nothing, 'nobody'],
  ];
  process.env['MVAS_ROOT'] = nothing;
  try {
    for (let time = 0; time < TIMES; time += 1) {
      for (const command of commands) await main(command, context);
    }
    (await import('../../criu/index.js')).rehearseRestore(join(directory, 'image'));
  } finally {
    delete process.env['MVAS_ROOT'];
  }
}
