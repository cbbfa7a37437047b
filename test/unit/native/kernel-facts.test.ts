// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import test from 'ava';
import { syscall } from '../../../src/native/index.js';
import * as facts from '../../../src/native/kernel-facts.js';
import { SYS } from '../../../src/native/sys.js';

const [major = 0, minor = 0] = release().split('.').map(Number);

function isSince(wantedMajor: number, wantedMinor: number): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

test('no answer costs a process, a descriptor, or what a tracer would leave', (t) => {
  const look = () => ({
    fds: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    children: readFileSync('/proc/thread-self/children', 'utf8'),
    traced: /^TracerPid:.*/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[0],
  });
  const before = look();
  const answers = Object.values(facts).map((fact) => (typeof fact === 'function' ? fact() : fact));
  t.false(answers.includes(undefined as never));
  t.deepEqual(look(), before);
});

// What needs no option of the kernel's configuration follows from its version.
for (const [name, answer, since] of [
  ['timers with wanted ids', facts.hasTimerIds, [6, 15]],
  ['executability of memfds', facts.hasMemfdExecutability, [6, 3]],
  ['pidfd_getfd', facts.canTakeFds, [5, 6]],
  ['guards in PAGEMAP_SCAN', () => facts.pageScan() === 'guards', [6, 15]],
  ['PAGEMAP_SCAN', () => facts.pageScan() !== 'none', [6, 7]],
] as const) {
  test(`the kernel has ${name} as its version says`, (t) => {
    t.is(answer(), isSince(since[0], since[1]));
  });
}

test('the kernel is asked once', (t) => {
  const scan = facts.pageScan();
  // Without descriptors it could not be asked again.
  const limit = new BigUint64Array(2);
  syscall(SYS.prlimit64, 0, 7, null, limit);
  const [, hard = 0n] = limit;
  syscall(SYS.prlimit64, 0, 7, BigUint64Array.of(0n, hard), null);
  try {
    t.is(facts.pageScan(), scan);
  } finally {
    syscall(SYS.prlimit64, 0, 7, limit, null);
  }
});
