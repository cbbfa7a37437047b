// SPDX-License-Identifier: Apache-2.0
import 'node:tty';
import { dirname, join } from 'node:path';
import { contextOf, type Program } from '../entry.js';
import { main } from '../main.js';

/** Code that has run a few times takes a fraction of the time of its first run. */
const TIMES = 3;
/** Each stops a process twice, which takes 10-20 ms. More make no difference. */
const STEPS_OF_STOPS = 8;

/**
 * Steps that run commands on containers that do not exist, with their output discarded, the part of a restore that
 * comes before it touches any process, and stops of a process of ours. Code that every command needs is then warm before the first one. The steps leave
 * nothing behind, neither in the standby's directory nor outside it.
 */
export function rehearsals(program: Program): ((directory: string) => Promise<void>)[] {
  const steps = ['ls', 'restore', 'checkpoint'].map(
    (verb) => (directory: string) => rehearse(verb, directory, program),
  );
  return [
    ...steps,
    rehearseEngine,
    learnFlags,
    ...Array.from({ length: STEPS_OF_STOPS }, () => rehearseStops),
  ];
}

async function rehearse(verb: string, directory: string, program: Program): Promise<void> {
  const context = {
    ...contextOf(program),
    writeOut: () => undefined,
    writeError: () => undefined,
  };
  const nothing = join(directory, 'nothing');
  const options =
    verb === 'ls' ? ['--json'] : ['--image-path', nothing, '--runc-root', nothing, 'nobody'];
  process.env['MVAS_ROOT'] = nothing;
  try {
    for (let time = 0; time < TIMES; time += 1) await main([verb, ...options], context);
  } finally {
    delete process.env['MVAS_ROOT'];
  }
}

async function rehearseEngine(directory: string): Promise<void> {
  (await import('../../criu/index.js')).rehearseRestore(join(directory, 'image'));
}

async function learnFlags(directory: string): Promise<void> {
  (await import('../../criu/index.js')).learnUsualFlags(join(dirname(directory), 'flags'));
}

async function rehearseStops(): Promise<void> {
  await (await import('../../criu/index.js')).rehearseStops();
}
