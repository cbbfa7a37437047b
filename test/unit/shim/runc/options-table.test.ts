// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { encode } from '../../../../src/shim/proto/codec.js';
import { Options as RuntimeOptions } from '../../../../src/shim/proto/messages/runtime-options.js';
import { optionsInTable } from '../../../../src/shim/runc/options-table.js';
import { decodeOptions, runcSettings } from '../../../../src/shim/runc/settings.js';

/** The options of a table, and the messages about it. */
function read(text: string): { options: object; warnings: string[] } {
  const warnings: string[] = [];
  const options = optionsInTable(Buffer.from(text), (message, fields) => {
    warnings.push([message, ...Object.values(fields)].join(' '));
  });
  return { options, warnings };
}

test('a table as containerd 1.7 writes it', (t) => {
  const text = `BinaryName = "/opt/my \\"runc\\""
CriuImagePath = ""
CriuPath = ""
CriuWorkPath = ""
IoGid = 4321
IoUid = 1_234
NoNewKeyring = true
NoPivotRoot = false
Root = ""
ShimCgroup = "/pods"
SystemdCgroup = true
`;
  t.deepEqual(read(text), {
    options: {
      binaryName: '/opt/my "runc"',
      ioGid: 4321,
      ioUid: 1234,
      noNewKeyring: true,
      noPivotRoot: false,
      root: '',
      shimCgroup: '/pods',
      systemdCgroup: true,
    },
    warnings: [],
  });
});

test('a table as containerd 2 writes it', (t) => {
  const text = `BinaryName = '/usr/bin/crun' # ours\r\n\n# Root = '/x'\n"Root" = '/r\\'\nsystemdcgroup=true`;
  const options = { binaryName: '/usr/bin/crun', root: '/r\\', systemdCgroup: true };
  t.deepEqual(read(text), { options, warnings: [] });
});

test('what is not understood is told, and has no effect', (t) => {
  const text = [
    'Colour = "red"',
    'toString = "x"',
    'SystemdCgroup = "yes"',
    'IoUid = -1',
    'IoGid = 4294967296',
    'Root = """/r"""',
    'BinaryName = "\\q"',
    'just words',
    'NoPivotRoot = true',
    '[more]',
    'Root = "/other"',
  ].join('\n');
  const { options, warnings } = read(text);
  t.deepEqual(options, { noPivotRoot: true });
  t.deepEqual(warnings, [
    'runtime option is not known Colour',
    'runtime option is not known toString',
    'runtime option is not a boolean SystemdCgroup "yes"',
    'runtime option is not a number IoUid -1',
    'runtime option is not a number IoGid 4294967296',
    'a line of the runtime options cannot be read "Root = \\"\\"\\"/r\\"\\"\\""',
    'runtime option is not a string BinaryName "\\q"',
    'a line of the runtime options cannot be read "just words"',
    'a table below the runtime options is not known [more]',
  ]);
});

test('a table that is too long is not read', (t) => {
  const { options, warnings } = read(`Root = "/r"\n${'#'.repeat(64 * 1024)}`);
  t.deepEqual(options, {});
  t.regex(warnings[0] ?? '', /too long/);
});

test('CRI’s options decide how runc is called', (t) => {
  const body = Buffer.from('SystemdCgroup = true\nRoot = "/r"\n');
  const value = encode(RuntimeOptions, { configPath: '/file', configBody: body });
  const warnings: string[] = [];
  const { runc } = decodeOptions({ typeUrl: RuntimeOptions, value }, (message) =>
    warnings.push(message),
  );
  t.deepEqual(runcSettings(runc, 'ns'), { binary: 'runc', root: '/r/ns', systemdCgroup: true });
  t.deepEqual(warnings, ['a file of runtime options is not read']);
});
