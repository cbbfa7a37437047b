// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { runKernelScript, type GuestRun } from './guest.js';

/** What the fetch scripts say when they cannot fetch. */
const CANNOT_BE_HAD = /fetch-kernel(\.sh)?: (cannot|download failed|apt knows no)/;

/**
 * Declares a test for each line of TAP that a script prints for a kernel. A kernel that is not available is one
 * skipped test.
 *
 * @returns the run, or `undefined` if the kernel is not available
 */
async function declareResults(script: string, kernel: string): Promise<GuestRun | undefined> {
  const run = await runKernelScript(script, kernel);
  const missing = run.tail.find((line) => CANNOT_BE_HAD.test(line));
  if (run.results.length === 0 && missing !== undefined) {
    test.skip(`Linux ${kernel} cannot be had: ${missing}`, (t) => t.pass());
    return undefined;
  }
  for (const result of run.results) {
    if (result.skipped !== undefined) {
      test.skip(`${result.title} [${result.skipped}]`, (t) => t.pass());
      continue;
    }
    test(result.title, (t) => {
      if (!result.passed) t.log(result.notes.join('\n'));
      t.true(result.passed);
    });
  }
  return run;
}

/** Declares what the test programs say in a guest with a kernel, and a test for the run as a whole. */
export async function declareKernelTests(kernel: string): Promise<void> {
  const run = await declareResults('test-kernel.sh', kernel);
  if (run === undefined) return;
  test(`Linux ${kernel}: the guest comes to its end`, (t) => {
    if (!run.passed) t.log(run.tail.join('\n'));
    t.true(run.passed);
    t.true(run.results.length > 100);
  });
}

/** Declares what installing the module for a kernel says, by `make install` and by DKMS. */
export async function declareInstallTests(kernel: string): Promise<void> {
  const run = await declareResults('test-install.sh', kernel);
  if (run === undefined) return;
  test(`Linux ${kernel}: the installation comes to its end`, (t) => {
    if (!run.passed) t.log(run.tail.join('\n'));
    t.true(run.passed);
    t.true(run.results.length > 5);
  });
}
