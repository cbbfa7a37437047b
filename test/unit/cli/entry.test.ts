// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BIN } from '../../helpers/paths.js';

const ENTRY = new URL('../../../src/cli/entry.js', import.meta.url).href;
/** Enough for more than a pipe takes at once. */
const VASES = 500;

/** Runs the command as a process of its own, whose store has many VASes. */
function mvas(line: string) {
  const program = `
    import { runMvas } from ${JSON.stringify(ENTRY)};
    const vas = { state: 'complete', directory: '/', createdAt: new Date(0) };
    const list = Array.from({ length: 20_000 }, (_, id) => ({ ...vas, id: 'vas-' + id }));
    await runMvas({ version: '1.2.3', openStore: async () => ({ list: async () => list, life: () => ({ clones: 0 }) }) });`;
  const script = `"$0" --input-type=module -e "$1" -- mvas ${line}`;
  return spawnSync('bash', ['-o', 'pipefail', '-c', script, process.execPath, program], {
    encoding: 'utf8',
  });
}

/** The executable, in a directory of VASes that were lost before they had a record. */
function executable(t: ExecutionContext, line: string) {
  const root = mkdtempSync(join(tmpdir(), 'mvas-entry-'));
  t.teardown(() => {
    rmSync(root, { recursive: true });
  });
  for (let id = 0; id < VASES; id++) mkdirSync(join(root, String(id).padStart(32, '0')));
  const env = { ...process.env, MVAS_ROOT: root };
  return spawnSync('bash', ['-o', 'pipefail', '-c', `"$0" ${line}`, join(BIN, 'mvas')], {
    encoding: 'utf8',
    env,
  });
}

test('the executable waits until a slow reader has all', (t) => {
  const { status, stdout } = executable(t, 'ls --json | (sleep 1; grep -c lost)');
  t.deepEqual([status, stdout], [0, `${String(VASES)}\n`]);
});

test('the executable tells of output that is lost, and not of a reader that has gone', (t) => {
  t.like(executable(t, 'ls > /dev/full'), { status: 1 });
  t.like(executable(t, 'ls --json | head -n 1'), { status: 0, stdout: '[\n', stderr: '' });
});

test('exit code and output are those of the command', (t) => {
  t.like(mvas('--version'), { status: 0, stdout: 'mvas 1.2.3\n', stderr: '' });
  t.like(mvas('frob'), { status: 2, stdout: '' });
});

test('all of a long output arrives', (t) => {
  const { status, stdout } = mvas('ls -q');
  t.is(status, 0);
  t.is(stdout.split('\n').length, 20_001);
});

test('output that is lost is an error, and told', (t) => {
  const stderr = 'mvas: write the output: ENOSPC\n';
  t.like(mvas('ls > /dev/full'), { status: 1, stderr });
});

test('a reader that closes the pipe early is not an error', (t) => {
  t.like(mvas('ls -q | head -n 1'), { status: 0, stdout: 'vas-0\n', stderr: '' });
});
