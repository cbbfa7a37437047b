// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const SOURCE = new URL('../../../src/', import.meta.url).href;

const folder = mkdtempSync(join(tmpdir(), 'mvas-unprivileged-'));
chmodSync(folder, 0o755);
mkdirSync(join(folder, 'locked'));
chmodSync(join(folder, 'locked'), 0);

test.after.always(() => {
  rmSync(folder, { recursive: true });
});

/** The command in a process of its own that is not root; MVAS_ROOT is a path in the folder. */
function mvas(line: string, root: string) {
  const program = `
    import { runMvas } from '${SOURCE}cli/entry.js';
    import { vases } from '${SOURCE}cli/vases.js';
    if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
    await runMvas({ version: '', openStore: async () => vases });`;
  const args = ['--input-type=module', '-e', program, '--', 'mvas', ...line.split(' ')];
  const env = { ...process.env, MVAS_ROOT: join(folder, root) };
  return spawnSync(process.execPath, args, { encoding: 'utf8', env });
}

test('who may not see VASes is told so, not that there are none', (t) => {
  for (const line of ['ls', 'ls --json', 'inspect a', 'rm a']) {
    const stderr = `mvas: list the VASes in ${folder}/locked: EACCES\nhint: run mvas as root\n`;
    t.like(mvas(line, 'locked'), { status: 1, stdout: '', stderr }, line);
  }
});

test('where nothing has been checkpointed there are none, whoever asks', (t) => {
  t.like(mvas('ls -q', 'nowhere'), { status: 0, stdout: '', stderr: '' });
});

test('checkpoints and restores are for root', (t) => {
  for (const verb of ['checkpoint', 'restore']) {
    const stderr = `mvas ${verb}: ${verb} web: not permitted\nhint: run mvas as root\n`;
    t.like(mvas(`${verb} web`, 'nowhere'), { status: 1, stdout: '', stderr });
    t.is(mvas(`${verb} --help`, 'nowhere').status, 0);
  }
});

test('who is not root is told what that rules out', (t) => {
  const { status, stdout, stderr } = mvas('check', 'locked');
  t.deepEqual([status, stderr], [3, '']);
  t.regex(stdout, /^missing {2}privileges .*\n.*CAP_SYS_ADMIN and CAP_SYS_PTRACE\n.*as root/m);
  t.regex(stdout, /^missing {2}VAS directory .*EACCES/m);
});

test('a directory that is not ours is not written to, with what to do', (t) => {
  const { status, stderr } = mvas(`install --dir ${join(folder, 'locked')}`, 'nowhere');
  t.is(status, 1);
  t.regex(stderr, /^mvas install: EACCES: .*\nhint: run mvas as root\n$/);
});
