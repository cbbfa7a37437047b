// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { tryGuest, type BootFiles } from './containers/boot-files.js';
import { RESULT_LINE } from './containers/inside/places.js';
import { boot } from './containers/qemu.js';

/** Kernels that containers are checkpointed on, what version of cgroups is mounted there, and by what. */
const GUESTS = [
  { name: '6.1', cgroup: 1, backends: ['kernel'] },
  { name: '6.12', cgroup: 2, backends: ['holder', 'kernel'] },
] as const;

const PROGRAM = 'dist/test/kernel/containers/inside/checkpoint.js';
const TIMEOUT_MS = 1_100_000;

const found: (BootFiles | string)[] = [];
for (const { name } of GUESTS) found.push(await tryGuest(name));

for (const [index, { name, cgroup, backends }] of GUESTS.entries()) {
  const by = backends.join(' and ');
  const title = `Linux ${name}, cgroup v${String(cgroup)}: redis is checkpointed and restored twice by ${by}`;
  const guest = found[index] ?? 'not looked for';
  if (typeof guest === 'string') {
    test.serial.skip(`${title} (skipped: ${guest})`, () => undefined);
    continue;
  }
  test.serial(title, async (t) => {
    const lines = await boot({
      ...guest,
      arguments: [
        `mvas.cgroup=${String(cgroup)}`,
        `mvas.program=${PROGRAM}`,
        `mvas.arguments=${backends.join(',')}`,
      ],
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
