// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import { BIN, REPOSITORY } from '../../helpers/paths.js';

const SHIM = 'containerd-shim-mvas-v1';
const START = ['-namespace', 'ns', '-id', 'id', '-address', '/no/containerd.sock', 'start'];

/** A folder with copies of some folders of the checkout, and links to others. */
function place(
  t: ExecutionContext,
  links: readonly string[],
  copies: readonly string[] = [],
): string {
  const root = mkdtempSync(join(tmpdir(), 'mvas-copied-'));
  t.teardown(() => {
    rmSync(root, { recursive: true });
  });
  mkdirSync(join(root, 'bin'));
  for (const name of links) symlinkSync(join(REPOSITORY, name), join(root, name));
  for (const name of copies) cpSync(join(REPOSITORY, name), join(root, name), { recursive: true });
  return root;
}

/** Runs a copy of an executable there, which has to fail with one line. */
function says(root: string, name: string, args: readonly string[]): string {
  const path = join(root, 'bin', name);
  copyFileSync(join(BIN, name), path);
  const { stdout, stderr, status } = spawnSync(path, args, {
    encoding: 'utf8',
    cwd: root,
    // A standby that is still starting would run the executable that the next call replaces.
    env: { ...process.env, MVAS_STANDBY: '0' },
    input: '',
  });
  return `${String(status)} ${stdout}${stderr}`.replaceAll(root, '<root>');
}

for (const [name, args, missing] of [
  [SHIM, START, 'dist/bundle/shim/main.js'],
  [SHIM, ['-v'], 'dist/bundle/shim/main.js'],
  ['mvas', ['ls'], 'dist/bundle/cli/mvas.cjs'],
  ['mvas-criu-probe', [], 'dist/bundle/cli/mvas-criu-probe.cjs'],
] as const) {
  test(`a copy of ${[name, ...args.slice(-1)].join(' ')} says that its checkout is missing`, (t) => {
    const line = new RegExp(`^1 ${name}: <root>/${missing} is not there; remedy: link [^\n]+\n$`);
    t.regex(says(place(t, []), name, args), line);
  });
}

test('a checkout without what make has made is said to be one', (t) => {
  const line = (name: string): RegExp =>
    new RegExp(`^1 ${name}: <root>/native/build/mvas.node is not there; remedy: [^\n]+\n$`);
  const root = place(t, ['package.json'], ['dist/bundle']);
  t.regex(says(root, 'mvas', ['ls']), line('mvas'));
  t.regex(says(root, SHIM, START), line(SHIM));
});

test('help loads no addon, and one that cannot be loaded is to be built', (t) => {
  const root = place(t, ['package.json'], ['dist/bundle']);
  mkdirSync(join(root, 'native/build'), { recursive: true });
  writeFileSync(join(root, 'native/build/mvas.node'), '');
  t.regex(says(root, 'mvas', ['--version']), /^0 mvas /);
  t.regex(says(root, 'mvas', ['checkpoint', '--help']), /^0 Usage: mvas checkpoint /);
  t.regex(says(root, 'mvas', ['ls']), /^1 mvas: [^\n]*mvas\.node[^\n]*\nhint: build [^\n]+\n$/);
});

test('the code that a command comes with is that of this Node', (t) => {
  const packed = readFileSync(join(REPOSITORY, 'dist/bundle/cli/mvas.packed'));
  const end = 4 + packed.readUInt32LE();
  const cachedData = packed.subarray(end);
  t.false(new Script(packed.toString('latin1', 4, end), { cachedData }).cachedDataRejected);
});

test('with flags that change the code it is compiled anew', (t) => {
  const env = { ...process.env, NODE_OPTIONS: '--jitless' };
  const { stdout } = spawnSync(join(BIN, 'mvas'), ['--version'], { encoding: 'utf8', env });
  t.regex(stdout, /^mvas /);
});

test('certificates that Node would read at its start are left alone', (t) => {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: '/no/such/file' };
  const { stderr } = spawnSync(join(BIN, 'mvas'), ['--version'], { encoding: 'utf8', env });
  t.is(stderr, '');
});
