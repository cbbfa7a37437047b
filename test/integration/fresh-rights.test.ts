// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { rightsOf } from '../../src/criu/arch/x86-64/rights.js';
import { Tracer } from '../../src/native/index.js';
import { startChild } from '../../src/native/children.js';
import { hasProtectionKeys } from '../../src/native/kernel-facts.js';
import { asHostTid } from '../../src/common/ids.js';

/** Many of them are stopped before they have run. */
const TIMES = 60;
/** What a program begins with: memory with any key but 0 is denied. */
const FIRST = 0x5555_5554;

const withKeys = hasProtectionKeys() ? test : test.skip;

withKeys('a program has the rights it begins with, however early it is stopped', async (t) => {
  const tracer = new Tracer();
  const seen: (number | undefined)[] = [];
  const after: (number | undefined)[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const { pid, ended } = startChild({ file: 'sleep', args: ['60'], env: {}, fds: [null] });
    const tids = Int32Array.of(pid);
    t.deepEqual([...(await tracer.seize(tids, 0))], [pid, 0]);
    await tracer.waitStops(tids, 5_000);
    const [first] = await tracer.readThreads(tids);
    seen.push(first && rightsOf(first.xstate));
    if (first) await tracer.writeThread(asHostTid(pid), first.registers, first.xstate, null);
    const [second] = await tracer.readThreads(tids);
    after.push(second && rightsOf(second.xstate));
    process.kill(pid, 'SIGKILL');
    await tracer.detach(tids);
    await ended;
  }
  t.deepEqual(new Set(seen), new Set([FIRST]));
  t.deepEqual(new Set(after), new Set([FIRST]));
});
