// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { VERBS } from '../../../src/cli/verbs.js';
import { runMain } from '../../helpers/run-main.js';

/** What is printed from the table of verbs, and how an option looks there. */
const PRINTED = [
  ['completion bash', (option: string) => `--${option}`],
  ['completion zsh', (option: string) => `--${option}[`],
  ['completion fish', (option: string) => ` -l ${option} `],
  ['man', (option: string) => `--${option}`.replaceAll('-', '\\-')],
] as const;

for (const [line, optionIn] of PRINTED) {
  test(`mvas ${line} knows every command and every option`, async (t) => {
    const { code, out, err } = await runMain(line);
    t.deepEqual([code, err], [0, '']);
    for (const { name, aliases = [], options } of VERBS) {
      for (const verb of [name, ...aliases]) {
        const shown = line === 'man' ? verb.replaceAll('-', '\\-') : verb;
        t.true(new RegExp(`\\b${shown.replaceAll('\\', '\\\\')}\\b`).test(out), verb);
      }
      for (const option of Object.keys(options)) t.true(out.includes(optionIn(option)), option);
    }
  });
}

test('every example is a command line that is understood', async (t) => {
  for (const { name, examples } of VERBS) {
    t.true(examples.length > 0, name);
    for (const [line] of examples) t.regex(line, /(^|<\()mvas (-la$|[a-z])/);
    const [[line] = ['']] = examples;
    const words = line.replace(/.*\(|\).*|[|<>].*/g, '').split(' ');
    t.is((await runMain([...words.slice(1), '--help'])).code, 0, line);
  }
});

test('a shell that there is no completion for is refused', async (t) => {
  const { code, err } = await runMain('completion tcsh');
  t.is(code, 2);
  t.regex(err, /takes one of bash, zsh, fish/);
});

/** A folder with a `mvas` that knows two VASes. */
function fakeCommand(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mvas-completion-'));
  const path = join(folder, 'mvas');
  writeFileSync(
    path,
    '#!/bin/sh\nif [ "$1" = ls ]; then echo abc; echo def; else echo vas/1; fi\n',
  );
  chmodSync(path, 0o755);
  return folder;
}

test('bash completes commands, options, values and ids', async (t) => {
  const { out: script } = await runMain('completion bash');
  const folder = fakeCommand();
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const complete = (...words: string[]): string[] => {
    const program = `${script}
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mvas; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr, status } = spawnSync(
      'bash',
      ['--norc', '-uc', program, 'bash', 'mvas', ...words],
      {
        encoding: 'utf8',
        env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` },
      },
    );
    t.deepEqual([status, stderr], [0, '']);
    return stdout.split('\n').filter(Boolean);
  };
  t.deepEqual(complete('ins'), ['inspect', 'install']);
  t.deepEqual(complete('restore', '--p'), ['--pid-file']);
  t.deepEqual(complete('install', '--as', ''), ['mvas', 'runc', 'criu', 'service']);
  t.deepEqual(complete('show', ''), ['abc', 'def']);
  t.deepEqual(complete('rm', '-f', 'v'), ['vas/1']);
  t.deepEqual(complete('--json', 'completion', ''), ['bash', 'zsh', 'fish']);
  t.deepEqual(complete('help', 'checkp'), ['checkpoint']);
});

test('the manual page is one that man(1) has nothing to say against', async (t) => {
  const { out: page } = await runMain('man');
  const man = spawnSync('man', ['--warnings=w', '-l', '-'], { input: page, encoding: 'utf8' });
  if (man.error) return; // There is no man(1).
  t.deepEqual([man.status, man.stderr], [0, '']);
  t.regex(man.stdout, /mvas rm \[OPTIONS\] ID\.\.\./);
});
