// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { tryGuest, type BootFiles } from './containers/boot-files.js';
import { RESULT_LINE } from './containers/inside/places.js';
import { boot } from './containers/qemu.js';

const INSIDE = 'dist/test/kernel/containers/inside';

/** Kernels that containers are checkpointed on, which version of cgroups is mounted there, and what is run. */
const GUESTS = [
  {
    name: '6.1',
    cgroup: 1,
    title: 'redis is checkpointed and restored twice by each way of the kernel',
    program: `${INSIDE}/checkpoint.js`,
    words: ['kernel', 'kernel-exec'],
  },
  {
    name: '6.12',
    cgroup: 2,
    title: 'redis is checkpointed and restored twice by each backend',
    program: `${INSIDE}/checkpoint.js`,
    words: ['holder', 'kernel', 'kernel-exec'],
  },
  {
    name: '6.12',
    cgroup: 2,
    title: 'trees and all kinds of memory are checkpointed and restored by the kernel',
    program: `${INSIDE}/targets.js`,
    words: ['memory_', 'process_', 'protection_keys', 'threads_many'],
  },
] as const;

const TIMEOUT_MS = 1_100_000;

const found = new Map<string, BootFiles | string>();
for (const { name } of GUESTS) if (!found.has(name)) found.set(name, await tryGuest(name));

for (const { name, cgroup, title: what, program, words } of GUESTS) {
  const title = `Linux ${name}, cgroup v${String(cgroup)}: ${what}`;
  const guest = found.get(name) ?? 'not looked for';
  if (typeof guest === 'string') {
    test.serial.skip(`${title} (skipped: ${guest})`, () => undefined);
    continue;
  }
  test.serial(title, async (t) => {
    const lines = await boot({
      ...guest,
      arguments: [
        `mvas.cgroup=${String(cgroup)}`,
        `mvas.program=${program}`,
        `mvas.arguments=${words.join(',')}`,
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
