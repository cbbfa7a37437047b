// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { runGuest } from './guest.js';

/**
 * Runs the kernel's test programs in a guest and declares a test for each line of its TAP, and one
 * for the run as a whole. A kernel that cannot be had here is one skipped test.
 */
export async function declareKernelTests(kernel: string): Promise<void> {
  const run = await runGuest(kernel);
  const missing = run.tail.find((line) => /^(fetch-kernel|private-apt): cannot/.test(line));
  if (run.results.length === 0 && missing !== undefined) {
    test.skip(`Linux ${kernel} cannot be had: ${missing}`, (t) => t.pass());
    return;
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
  test(`Linux ${kernel}: the guest comes to its end`, (t) => {
    if (!run.passed) t.log(run.tail.join('\n'));
    t.true(run.passed);
    t.true(run.results.length > 100);
  });
}
