// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { tryGuest, type BootFiles } from './containers/boot-files.js';
import { RESULT_LINE } from './containers/inside/places.js';
import { boot } from './containers/qemu.js';

/** Kernels that containers are checkpointed on, with the version of cgroups that is mounted there. */
const GUESTS = [
  { name: '6.1', cgroup: 1 },
  { name: '6.12', cgroup: 2 },
] as const;

const PROGRAM = 'dist/test/kernel/containers/inside/checkpoint.js';
const TIMEOUT_MS = 600_000;

const found: (readonly [title: string, cgroup: number, guest: BootFiles | string])[] = [];
for (const { name, cgroup } of GUESTS) {
  const title = `redis is checkpointed and restored twice on Linux ${name} with cgroup v${String(cgroup)}`;
  found.push([title, cgroup, await tryGuest(name)]);
}

for (const [title, cgroup, guest] of found) {
  if (typeof guest === 'string') {
    test.serial.skip(`${title} (skipped: ${guest})`, () => undefined);
    continue;
  }
  test.serial(title, async (t) => {
    const lines = await boot({
      ...guest,
      arguments: [`mvas.cgroup=${String(cgroup)}`, `mvas.program=${PROGRAM}`],
      timeoutMs: TIMEOUT_MS,
    });
    t.log(lines.filter((line) => /^# \w/.test(line)).join('\n'));
    const console = lines.join('\n');
    t.deepEqual(
      lines.filter((line) => line.startsWith('not ok')),
      [],
      console,
    );
    t.is(lines.filter((line) => line.startsWith(RESULT_LINE)).at(-1), `${RESULT_LINE}0`, console);
    const planned = lines.find((line) => line.startsWith('1..'));
    const passed = lines.filter((line) => line.startsWith('ok ')).length;
    t.is(planned, `1..${String(passed)}`, console);
    t.true(passed > 0);
  });
}
