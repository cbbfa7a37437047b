// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../src/common/errors.js';
import { Scope } from '../src/common/scope.js';
import { parseOptions, type BenchOptions } from './options.js';

/**
 * Runs a program with the options of its command line and a scope. The scope is closed at the end, even if the
 * program is interrupted: Ctrl-C must not leave containers and mounts behind. A failure is reported in one line
 * on stderr, with exit code 1.
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
