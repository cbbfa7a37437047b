// SPDX-License-Identifier: Apache-2.0
import { standBy } from '../../standby/standby.js';
import type { Program } from '../entry.js';
import { becomeCommand } from './become.js';
import { rehearsals } from './rehearsal.js';

/** The standby of the `mvas` command: a fork runs the command in place of a launcher. */
export async function standByForCommands(
  directory: string,
  program: Program,
  run: () => Promise<void>,
): Promise<void> {
  await standBy(directory, {
    words: ['mvas', '-standby', directory],
    become: (connection, title) => becomeCommand(connection, title, run),
    ...rehearsals(program),
    spareWords: ['mvas', '-spare', directory],
  });
}
