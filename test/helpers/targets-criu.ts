// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './targets-engine.js';
import type { CommandResult, Engine, Place } from './targets-engine.js';

/**
 * runc with CRIU: a proven engine, which validates the targets and the harness, and with which ours can
 * be compared. `criu` is the path of the program.
 */
export function criuEngine(criu: string): Engine {
  const runc = (place: Place, ...args: readonly string[]): string[] => [
    'runc',
    '--root',
    place.runcRoot,
    '--criu',
    criu,
    ...args,
  ];
  const paths = (place: Place, imagePath: string): string[] => [
    '--image-path',
    imagePath,
    '--work-path',
    `${imagePath}.work`,
    '--file-locks',
  ];
  return {
    wrapStart: withAnonymousPipe,
    checkpoint: async (place, imagePath, leaveRunning) => {
      const flags = leaveRunning ? ['--leave-running'] : [];
      const argv = runc(place, 'checkpoint', ...paths(place, imagePath), ...flags, place.id);
      return withLog(await runCommand(argv), join(`${imagePath}.work`, 'dump.log'));
    },
    restore: async (place, imagePath, output) => {
      const options = [...paths(place, imagePath), '--bundle', place.bundle, '--detach'];
      const argv = withAnonymousPipe(runc(place, 'restore', ...options, place.id));
      return withLog(await runCommand(argv, output), join(`${imagePath}.work`, 'restore.log'));
    },
    discard: () => Promise.resolve(),
  };
}

/** runc tells CRIU of stdio that is an anonymous pipe, but not of a FIFO. */
function withAnonymousPipe(argv: readonly string[]): string[] {
  return ['bash', '-c', 'exec > >(exec cat) 2>&1; exec "$@"', 'bash', ...argv];
}

function withLog(result: CommandResult, log: string): CommandResult {
  if (result.status === 0) return result;
  const errors = readLines(log).filter((line) => /Error|Warn/.test(line));
  return { ...result, stderr: [result.stderr, ...errors.slice(-8)].join('\n') };
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
