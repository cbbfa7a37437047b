// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const MODULE = new URL('../../../src/common/trace.js', import.meta.url).href;
const SCRIPT = `import { mark } from '${MODULE}'; mark('first step'); mark('second');`;

/** Runs a program that makes two marks. */
function run(env: NodeJS.ProcessEnv): void {
  execFileSync(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    env: { PATH: process.env['PATH'], ...env },
  });
}

test('marks are appended to the file that MVAS_TRACE names', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-trace-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'marks');
  run({ MVAS_TRACE: file });
  t.regex(readFileSync(file, 'utf8'), /^(\d+ ){7}first step\n(\d+ ){7}second\n$/);
});

test('without it, or where it cannot be written, nothing happens', (t) => {
  t.notThrows(() => {
    run({});
  });
  t.notThrows(() => {
    run({ MVAS_TRACE: '/nowhere/marks' });
  });
});
