// SPDX-License-Identifier: Apache-2.0
import 'node:tty';
import { join } from 'node:path';
import { engineWarmUps } from '../../standby/engine-warm-ups.js';
import type { Purpose } from '../../standby/standby.js';
import { contextOf, type Program } from '../entry.js';
import { main } from '../main.js';

/** Code that has run a few times takes a fraction of the time of its first run. */
const TIMES = 3;
/** Commands on what does not exist. */
const COMMANDS: readonly ((nothing: string) => readonly string[])[] = [
  () => ['ls', '--json'],
  (nothing) => ['restore', '--image-path', nothing, '--runc-root', nothing, 'nobody'],
  (nothing) => ['checkpoint', '--image-path', nothing, '--runc-root', nothing, 'nobody'],
  (nothing) => ['fork', '--address', nothing, 'nobody'],
];
/** How many are forked from nothing. */
const CLONES = 6;

/**
 * Steps that run commands on containers that do not exist, with their output discarded, and those of the engine. Code that
 * every command needs is then warm before the first one. The steps leave nothing behind, neither in the standby's directory
 * nor outside it.
 */
export function rehearsals(program: Program): Pick<Purpose, 'warmUps' | 'usual'> {
  const steps = COMMANDS.map(
    (command) => (directory: string) => rehearse(command, directory, program),
  );
  const { restore, soon, later } = engineWarmUps(() => import('../../criu/index.js'));
  return {
    warmUps: [[...steps, rehearseContainerd, ...soon], later],
    usual: [...steps, restore],
  };
}

async function rehearse(
  command: (nothing: string) => readonly string[],
  directory: string,
  program: Program,
): Promise<void> {
  const context = {
    ...contextOf(program),
    writeOut: () => undefined,
    writeError: () => undefined,
  };
  const nothing = join(directory, 'nothing');
  process.env['MVAS_ROOT'] = nothing;
  try {
    for (let time = 0; time < TIMES; time += 1) await main(command(nothing), context);
  } finally {
    delete process.env['MVAS_ROOT'];
  }
}

async function rehearseContainerd(directory: string): Promise<void> {
  const { rehearseFork } = await import('../../containerd/index.js');
  await rehearseFork(join(directory, 'containerd'), CLONES);
}
