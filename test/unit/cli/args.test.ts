// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { parseArgs, type Command } from '../../../src/cli/args.js';
import { UsageError } from '../../../src/cli/usage.js';

const GOOD: readonly (readonly [string, Command])[] = [
  ['ls', { verb: 'ls', json: false, quiet: false }],
  ['list --json', { verb: 'ls', json: true, quiet: false }],
  ['-q ls', { verb: 'ls', json: false, quiet: true }],
  ['inspect a', { verb: 'inspect', json: false, ids: ['a'] }],
  ['show a b --json', { verb: 'inspect', json: true, ids: ['a', 'b'] }],
  ['--json rm a', { verb: 'rm', json: true, force: false, ids: ['a'] }],
  ['remove a', { verb: 'rm', json: false, force: false, ids: ['a'] }],
  ['rm -f a', { verb: 'rm', json: false, force: true, ids: ['a'] }],
  ['rm -- --json', { verb: 'rm', json: false, force: false, ids: ['--json'] }],
  ['-la', { verb: 'ls-kernel', kinds: ['vas', 'segment'], json: false, quiet: false }],
  ['ls -lv --json', { verb: 'ls-kernel', kinds: ['vas'], json: true, quiet: false }],
  ['-ls list -q', { verb: 'ls-kernel', kinds: ['segment'], json: false, quiet: true }],
  ['--help', { verb: 'help', topic: undefined }],
  ['-h', { verb: 'help', topic: undefined }],
  ['help', { verb: 'help', topic: undefined }],
  ['help rm', { verb: 'help', topic: 'rm' }],
  ['rm --help', { verb: 'help', topic: 'rm' }],
  ['rm a --help', { verb: 'help', topic: 'rm' }],
  ['--version', { verb: 'version' }],
  ['-v', { verb: 'version' }],
  ['help help', { verb: 'help', topic: undefined }],
  ['ls -V', { verb: 'version' }],
  ['checkpoint --json a', { verb: 'run', name: 'checkpoint', args: ['--json', 'a'] }],
  ['--json checkpoint a', { verb: 'run', name: 'checkpoint', args: ['--json', 'a'] }],
  ['-h restore', { verb: 'run', name: 'restore', args: ['-h'] }],
  ['help create', { verb: 'run', name: 'create', args: ['--help'] }],
  ['install --frob', { verb: 'run', name: 'install', args: ['--frob'] }],
  ['restore -- -V', { verb: 'run', name: 'restore', args: ['--', '-V'] }],
  ['-V restore', { verb: 'version' }],
  ['rm checkpoint', { verb: 'rm', json: false, force: false, ids: ['checkpoint'] }],
];

for (const [line, command] of GOOD) {
  test(`understood: mvas ${line}`, (t) => {
    t.deepEqual(parseArgs(line.split(' ')), command);
  });
}

for (const [line, message] of [
  ['', 'no command given'],
  ['--json', 'no command given'],
  ['frob', "unknown command 'frob'"],
  ['help frob', "unknown command 'frob'"],
  ['help rm ls', "'help' takes one command, got 'ls' too"],
  ['ls --all', "unknown option '--all'"],
  ['ls a', "'ls' takes no argument, got 'a'"],
  ['ls --json -q', "'--json' and '--quiet' exclude each other"],
  ['-la -ls', "'-la', '-lv' and '-ls' exclude each other"],
  ['rm -la a', "'rm' does not list"],
  ['-la a', "unknown command 'a'"],
  ['-la ls a', "'ls' takes no argument, got 'a'"],
  ['rm', "'rm' needs the id or name of a VAS"],
  ['inspect --json', "'inspect' needs the id or name of a VAS"],
  ['rm -q a', "'rm' has no option '--quiet'"],
  ['ls --force', "'ls' has no option '--force'"],
] as const) {
  test(`refused: mvas ${line}`, (t) => {
    const args = line.split(' ').filter((word) => word !== '');
    t.throws(() => parseArgs(args), { instanceOf: UsageError, message });
  });
}

test('an empty id is refused, since it would begin every id', (t) => {
  t.throws(() => parseArgs(['rm', '']), { instanceOf: UsageError });
});

test('any words give a command or a UsageError', (t) => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'ls',
      'rm',
      'inspect',
      'install',
      'help',
      '--',
      '-',
      '--json',
      '-q',
      '-h',
      '-la',
      '-ls',
      'toString',
    ),
  );
  fc.assert(
    fc.property(fc.array(word), (args) => {
      try {
        return typeof parseArgs(args).verb === 'string';
      } catch (error) {
        return error instanceof UsageError;
      }
    }),
  );
  t.pass();
});
