// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { parseCommand } from '../../../src/cli/parse.js';
import { UsageError } from '../../../src/cli/usage.js';
import { VERBS } from '../../../src/cli/verbs.js';

/** What a command line asks for: the verb, its words, and the options that differ from their defaults. */
function parse(args: readonly string[]): readonly unknown[] {
  const command = parseCommand(args, VERBS);
  if (command.asks === 'version') return ['version'];
  if (command.asks === 'help') return ['help', command.verb?.name];
  const { verb, input } = command;
  const given = Object.entries(input.values).filter(([name, value]) => {
    const option = verb.options[name];
    return value !== (option?.type === 'string' ? option.default : false);
  });
  return [verb.name, input.words, Object.fromEntries(given)];
}

const GOOD: readonly (readonly [string, readonly unknown[]])[] = [
  ['ls', ['ls', [], {}]],
  ['list --json', ['ls', [], { json: true }]],
  ['-q ls', ['ls', [], { quiet: true }]],
  ['inspect a', ['inspect', ['a'], {}]],
  ['show a b --json', ['inspect', ['a', 'b'], { json: true }]],
  ['--json rm a', ['rm', ['a'], { json: true }]],
  ['remove a', ['rm', ['a'], {}]],
  ['rm -f a', ['rm', ['a'], { force: true }]],
  ['rm -- --json', ['rm', ['--json'], {}]],
  ['-- rm --json', ['rm', ['--json'], {}]],
  ['-la', ['ls', [], { kernel: 'a' }]],
  ['-la -la', ['ls', [], { kernel: 'a' }]],
  ['ls -lv --json', ['ls', [], { kernel: 'v', json: true }]],
  ['-ls list -q', ['ls', [], { kernel: 's', quiet: true }]],
  ['ls --kernel=s', ['ls', [], { kernel: 's' }]],
  ['--help', ['help', undefined]],
  ['-h', ['help', undefined]],
  ['--json -h', ['help', undefined]],
  ['help', ['help', [], {}]],
  ['help rm', ['help', ['rm'], {}]],
  ['rm --help', ['help', 'rm']],
  ['rm a --help', ['help', 'rm']],
  ['show -h', ['help', 'inspect']],
  ['--version', ['version']],
  ['-v', ['version']],
  ['-V', ['version']],
  ['ls -V', ['version']],
  ['-V restore', ['version']],
  ['checkpoint --json a', ['checkpoint', ['a'], { json: true }]],
  ['--json checkpoint a', ['checkpoint', ['a'], { json: true }]],
  ['-h restore', ['help', 'restore']],
  ['restore -b d --pid-file=p a', ['restore', ['a'], { bundle: 'd', 'pid-file': 'p' }]],
  ['restore -bd a', ['restore', ['a'], { bundle: 'd' }]],
  ['restore -b d -b e a', ['restore', ['a'], { bundle: 'e' }]],
  ['restore -- -V', ['restore', ['-V'], {}]],
  ['install --as runc', ['install', [], { as: 'runc' }]],
  ['rm checkpoint', ['rm', ['checkpoint'], {}]],
  ['rm -', ['rm', ['-'], {}]],
];

for (const [line, command] of GOOD) {
  test(`understood: mvas ${line}`, (t) => {
    t.deepEqual(parse(line.split(' ')), command);
  });
}

for (const [line, message] of [
  ['', 'no command given'],
  ['--json', 'no command given'],
  ['frob', "unknown command 'frob'"],
  ['--help frob', "unknown command 'frob'"],
  ['help rm ls', "'help' takes one command"],
  ['ls --all', "unknown option '--all'"],
  ['--all', "unknown option '--all'"],
  ['ls a', "'ls' takes no argument, got 'a'"],
  ['-la -ls', "'--kernel a' and '--kernel s' exclude each other"],
  ['rm -la a', "unknown option '-l'"],
  ['-la a', "unknown command 'a'"],
  ['-la ls a', "'ls' takes no argument, got 'a'"],
  ['-lx', "'--kernel x': not one of a, v, s"],
  ['rm', "'rm' needs the id or name of a VAS"],
  ['inspect --json', "'inspect' needs the id or name of a VAS"],
  ['rm -q a', "unknown option '-q'"],
  ['ls --force', "unknown option '--force'"],
  ['checkpoint a b', "'checkpoint' takes one container"],
  ['restore', "'restore' takes one container"],
  ['install --as docker', "'--as docker': not one of mvas, runc, criu, service"],
  ['install --at x', "unknown option '--at'"],
  ['install foo', "'install' takes no argument, got 'foo'"],
] as const) {
  test(`refused: mvas ${line}`, (t) => {
    const args = line.split(' ').filter((word) => word !== '');
    t.throws(() => parse(args), { instanceOf: UsageError, message });
  });
}

test('an empty id is refused, since it would begin every id', (t) => {
  t.throws(() => parse(['rm', '']), { instanceOf: UsageError });
});

test('an option whose value is missing is refused', (t) => {
  t.throws(() => parse(['restore', '--bundle']), { message: /--bundle <value>.*missing/ });
  t.throws(() => parse(['restore', '--bundle', '-d', 'a']), { instanceOf: UsageError });
});

test('any words give a command or a UsageError', (t) => {
  const names = VERBS.flatMap(({ name, options }) => [name, ...Object.keys(options)]);
  const some = ['--', '-', '-q', '-h', '-la', '-ls', '-V', 'toString', '__proto__'];
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(...some, ...names, ...names.map((name) => `--${name}`)),
  );
  fc.assert(
    fc.property(fc.array(word), (args) => {
      try {
        return typeof parse(args)[0] === 'string';
      } catch (error) {
        return error instanceof UsageError;
      }
    }),
  );
  t.pass();
});
