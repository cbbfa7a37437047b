// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import test from 'ava';

const ENTRY = new URL('../../../src/cli/entry.js', import.meta.url).href;

/** Runs the command as a process of its own, whose store has many VASes. */
function mvas(line: string) {
  const program = `
    import { runMvas } from ${JSON.stringify(ENTRY)};
    const vas = { name: 'n', state: 'complete', containerId: 'c', createdAt: new Date(0), bytes: 0,
      segments: 0, processes: 1, holderPid: 1, clones: 0 };
    const list = Array.from({ length: 20_000 }, (_, id) => ({ ...vas, id: 'vas-' + id }));
    await runMvas({ version: '1.2.3', openStore: async () => ({ list: async () => list }) });`;
  const script = `"$0" --input-type=module -e "$1" -- mvas ${line}`;
  return spawnSync('bash', ['-o', 'pipefail', '-c', script, process.execPath, program], {
    encoding: 'utf8',
  });
}

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

test('a reader that closes the pipe early is no error', (t) => {
  t.like(mvas('ls -q | head -n 1'), { status: 0, stdout: 'vas-0\n', stderr: '' });
});
