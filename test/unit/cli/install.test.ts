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
import { REPOSITORY } from '../../helpers/paths.js';
import { runMain } from '../../helpers/run-main.js';

function directory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mvas-install-'));
  t.teardown(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

for (const [role, name, file] of [
  ['mvas', 'containerd-shim-mvas-v1', 'bin/containerd-shim-mvas-v1'],
  ['runc', 'containerd-shim-runc-v2', 'bin/containerd-shim-mvas-v1'],
  ['criu', 'criu', 'bin/mvas-criu-probe'],
  ['service', 'mvas.service', 'systemd/mvas.service'],
] as const) {
  test(`--as ${role} makes a link and takes it back`, async (t) => {
    const dir = directory(t);
    const path = join(dir, name);
    const run = async (verb: string) =>
      (await runMain([verb, '--as', role, '--dir', dir], { searchPath: dir })).out;
    t.is(await run('uninstall'), `${path} is not there\n`);
    t.true((await run('install')).startsWith(`${path} -> `));
    t.is(readlinkSync(path), join(REPOSITORY, file));
    t.is(await run('install'), `${path} is there already\n`);
    t.is(await run('uninstall'), `${path} is removed\n`);
    t.false(existsSync(path));
  });

  test(`what somebody else has put there stays, and --as ${role} says what it is`, async (t) => {
    const dir = directory(t);
    const path = join(dir, name);
    const run = async (verb: string) => {
      const { code, err } = await runMain([verb, '--as', role, '--dir', dir]);
      t.is(code, 1);
      return err;
    };
    writeFileSync(path, 'theirs');
    t.regex(await run('install'), /is a file, not ours: it will not be replaced/);
    t.regex(await run('uninstall'), /is a file, not ours: it will not be removed/);
    t.is(readFileSync(path, 'utf8'), 'theirs');
    rmSync(path);
    symlinkSync('/no/such/shim', path);
    t.regex(await run('install'), /a link to \/no\/such\/shim, not ours/);
    t.regex(await run('uninstall'), /a link to \/no\/such\/shim, not ours/);
    t.is(readlinkSync(path), '/no/such/shim');
  });
}

test('the responder is not placed where CRIU is', async (t) => {
  const dir = directory(t);
  const other = join(dir, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'criu'), '');
  const args = ['install', '--as', 'criu', '--dir', dir];
  const { code, err } = await runMain(args, { searchPath: `/none:${other}` });
  t.is(code, 1);
  t.regex(err, /CRIU is installed \(.*other\/criu\)/);
  t.false(existsSync(join(dir, 'criu')));
});

test('for programs, it says what was done', async (t) => {
  const dir = directory(t);
  const path = join(dir, 'containerd-shim-mvas-v1');
  const run = async (verb: string): Promise<unknown> =>
    JSON.parse((await runMain([verb, '--json', '--dir', dir])).out);
  t.like(await run('install'), { path, isNew: true });
  t.like(await run('install'), { path, isNew: false });
  t.deepEqual(await run('uninstall'), { path, wasThere: true });
  t.deepEqual(await run('uninstall'), { path, wasThere: false });
});
