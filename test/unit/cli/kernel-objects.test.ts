// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { kernelTable } from '../../../src/cli/kernel-objects.js';

const BIN = new URL('../../../src/cli/bin.js', import.meta.url).pathname;

test('objects of the kernel are laid out, nameless ones and those that belong anywhere too', (t) => {
  const common = { uid: 0, gid: 5 };
  const table = kernelTable([
    { ...common, kind: 'vas', id: 1, name: 'abc.1', mode: 0o600, bytes: 4096n, start: 0n },
    { ...common, kind: 'segment', id: 2, name: '', mode: 0o64, bytes: 2n ** 21n, start: 0x7000n },
  ]);
  t.deepEqual(
    table
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
    [
      ['KIND', 'ID', 'NAME', 'MODE', 'UID', 'GID', 'SIZE', 'START'],
      ['vas', '1', 'abc.1', '0600', '0', '5', '4 KiB', '-'],
      ['segment', '2', '-', '0064', '0', '5', '2 MiB', '0x7000'],
    ],
  );
});

test('the options of mvas-cli are understood', (t) => {
  for (const option of ['-la', '-lv', '-ls']) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, option], {
      encoding: 'utf8',
    });
    if (status === 0) t.regex(stdout, /^KIND +ID/);
    else t.regex(stderr, /the module mvas is not loaded; remedy: modprobe/);
  }
});
