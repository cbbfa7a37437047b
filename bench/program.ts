// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../src/common/errors.js';
import { Scope } from '../src/common/scope.js';
import { parseOptions, type BenchOptions } from './options.js';

/**
 * Runs a program with the options of its command line and a scope that is closed at its end, also when it is interrupted: whoever presses
 * Ctrl-C must not be left with containers and mounts. A failure is said on stderr in one line, and is
 * exit code 1.
 */
export async function runProgram(
  name: string,
  defaults: Pick<BenchOptions, 'mib' | 'runs'>,
  work: (scope: Scope, options: BenchOptions) => Promise<void>,
): Promise<void> {
  const scope = new Scope();
  const interrupted = (signal: NodeJS.Signals): void => {
    process.stderr.write(`${name}: ${signal}: cleaning up\n`);
    void scope.close().then(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    await work(scope, parseOptions(process.argv.slice(2), defaults));
  } catch (error) {
    process.stderr.write(`${name}: ${ShimError.from(error).message}\n`);
    process.exitCode = 1;
  } finally {
    await scope.close();
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
}
