// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import test from 'ava';
import { REPOSITORY } from '../../../helpers/paths.js';

/** What a process prints that calls `inDirectory` after the given lines. */
function printed(before: string): string[] {
  const program = `
    import { mkdtempSync, rmdirSync } from 'node:fs';
    import { inDirectory } from '${REPOSITORY}/dist/src/shim/mount/in-directory.js';
    const words = [];
    ${before}
    words.push(inDirectory('/usr', () => process.cwd()));
    words.push(process.cwd());
    try { inDirectory('/usr', () => { throw new Error('failed'); }); } catch (e) { words.push(e.message); }
    words.push(process.cwd());
    console.log(words.join(' '));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: '/var',
  });
  return output.toString().trim().split(' ');
}

test('afterwards we are where we were', (t) => {
  t.deepEqual(printed(''), ['/usr', '/var', 'failed', '/var']);
});

const REMOVED = "const d = mkdtempSync('/tmp/mvas-cwd-'); process.chdir(d);";

test('where we were may have been removed', (t) => {
  t.deepEqual(printed(`${REMOVED} rmdirSync(d);`), ['/usr', '/', 'failed', '/']);
});

test('where we were may have been removed since we asked', (t) => {
  const program = `${REMOVED} process.cwd(); rmdirSync(d);`;
  t.deepEqual(printed(program), ['/usr', '/', 'failed', '/']);
});
