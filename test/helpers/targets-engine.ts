// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ShimError } from '../../src/common/errors.js';

/** How a command ended. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end; `output` becomes its stdout and stderr instead of being captured. */
export function runCommand(
  argv: readonly string[],
  output?: number,
  variables: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const [file = '', ...args] = argv;
  const sink = output ?? 'pipe';
  const child = spawn(file, args, {
    stdio: ['ignore', sink, sink],
    env: { ...process.env, ...variables },
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString('utf8')));
  child.stderr?.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString('utf8')));
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => {
      reject(new ShimError('unavailable', `run ${file}: ${cause.message}`, { cause }));
    });
    child.on('close', (code, signal) => {
      resolve({ status: code ?? (signal ? 255 : 1), ...texts });
    });
  });
}

/** Where a container lives on the host. */
export interface Place {
  readonly id: string;
  readonly bundle: string;
  readonly runcRoot: string;
}

/** Something that checkpoints and restores runc containers. */
export interface Engine {
  /** Turns a command that starts a container into one whose stdio this engine can take along. */
  wrapStart(argv: readonly string[]): readonly string[];
  checkpoint(place: Place, imagePath: string, leaveRunning: boolean): Promise<CommandResult>;
  /** `output` is a file descriptor for stdout and stderr of the restored container. */
  restore(place: Place, imagePath: string, output: number): Promise<CommandResult>;
  /** Drops what checkpoints of the container keep outside the image directory. */
  discard(place: Place): Promise<void>;
}

/** This project's engine, by the `mvas` command, with some variables of the environment set. */
export function mvasEngine(
  repository: string,
  variables: Readonly<Record<string, string>> = {},
): Engine {
  const mvas = join(repository, 'bin/mvas');
  /** Ids of the VASes of each container. */
  const made = new Map<string, readonly string[]>();
  const run = (argv: readonly string[], output?: number): Promise<CommandResult> =>
    runCommand(argv, output, variables);
  const scope = (place: Place, imagePath: string): string[] => [
    '--runc-root',
    place.runcRoot,
    '--image-path',
    imagePath,
  ];
  return {
    wrapStart: (argv) => argv,
    checkpoint: async (place, imagePath, leaveRunning) => {
      const flags = leaveRunning ? ['--leave-running'] : [];
      const args = [...scope(place, imagePath), ...flags, place.id];
      const result = await run([mvas, 'checkpoint', ...args]);
      const vasId = result.stdout.trim();
      if (vasId !== '') made.set(place.id, [...(made.get(place.id) ?? []), vasId]);
      return result;
    },
    restore: (place, imagePath, output) =>
      run(
        [
          mvas,
          'restore',
          ...scope(place, imagePath),
          '--bundle',
          place.bundle,
          '--detach',
          place.id,
        ],
        output,
      ),
    discard: async (place) => {
      const ids = made.get(place.id) ?? [];
      made.delete(place.id);
      if (ids.length === 0) return;
      const removed = await run([mvas, 'rm', ...ids]);
      if (removed.status !== 0) throw new ShimError('internal', `mvas rm: ${removed.stderr}`);
    },
  };
}
