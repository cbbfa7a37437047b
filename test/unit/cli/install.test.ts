// SPDX-License-Identifier: Apache-2.0
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runInstall, runUninstall } from '../../../src/cli/install.js';
import { BIN } from '../../helpers/paths.js';

function directory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mvas-install-'));
  t.teardown(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

for (const [role, name, executable] of [
  ['mvas', 'containerd-shim-mvas-v1', 'containerd-shim-mvas-v1'],
  ['runc', 'containerd-shim-runc-v2', 'containerd-shim-mvas-v1'],
  ['criu', 'criu', 'mvas-criu-probe'],
] as const) {
  test(`--as ${role} makes a link and takes it back`, (t) => {
    const dir = directory(t);
    const path = join(dir, name);
    const args = ['--as', role, '--dir', dir];
    t.is(runUninstall(args), `${path} is not there\n`);
    t.true(runInstall(args, dir).startsWith(`${path} -> `));
    t.is(readlinkSync(path), join(BIN, executable));
    t.is(runInstall(args, dir), `${path} is there already\n`);
    t.is(runUninstall(args), `${path} is removed\n`);
    t.false(existsSync(path));
  });

  test(`what somebody else has put there stays, and --as ${role} says what it is`, (t) => {
    const dir = directory(t);
    const path = join(dir, name);
    const args = ['--as', role, '--dir', dir];
    writeFileSync(path, 'theirs');
    t.throws(() => runInstall(args, ''), {
      message: /is a file, not ours: it will not be replaced/,
    });
    t.throws(() => runUninstall(args), { message: /is a file, not ours: it will not be removed/ });
    t.is(readFileSync(path, 'utf8'), 'theirs');
    rmSync(path);
    symlinkSync('/no/such/shim', path);
    t.throws(() => runInstall(args, ''), { message: /a link to \/no\/such\/shim, not ours/ });
    t.throws(() => runUninstall(args), { message: /a link to \/no\/such\/shim, not ours/ });
    t.is(readlinkSync(path), '/no/such/shim');
  });
}

test('the responder is not placed where CRIU is', (t) => {
  const dir = directory(t);
  const other = join(dir, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'criu'), '');
  const args = ['--as', 'criu', '--dir', dir];
  t.throws(() => runInstall(args, `/none:${other}`), {
    message: /CRIU is installed \(.*other\/criu\)/,
  });
  t.false(existsSync(join(dir, 'criu')));
});

test('a role that is none is refused', (t) => {
  t.throws(() => runInstall(['--as', 'docker']), { message: /'--as docker': not one of/ });
  t.throws(() => runInstall(['--at', 'x']), { message: /--at/ });
  t.regex(runInstall(['--help']), /^Usage: mvas install/);
});
