// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { asHostPid } from '../../../../../src/common/ids.js';
import { readStillAreas } from '../../../../../src/criu/memory/live/area-flags.js';
import { learnUsualFlags } from '../../../../../src/criu/memory/live/sample-areas.js';
import { readSmaps } from '../../../../../src/criu/procfs/reader.js';
import type { SmapsVma } from '../../../../../src/criu/procfs/smaps.js';
import { pageScan } from '../../../../../src/native/kernel-facts.js';
import { canReadAreaFlags } from '../../../../../src/native/area-flags.js';

/** What is the same, however the areas are read. */
function lasting(vmas: readonly SmapsVma[]): object[] {
  return vmas.map((vma) => ({ ...vma, rss: 0, swap: 0, anonHugePages: 0 }));
}

test.serial('areas read by their flags are those of smaps', async (t) => {
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    const pid = asHostPid(child.pid ?? 0);
    learnUsualFlags();
    const vmas = readStillAreas(pid);
    t.deepEqual(lasting(vmas), lasting(readSmaps(pid)));
    // By its flags, an area counts as being in memory as a whole: with smaps, some would not be.
    const isByFlags = vmas.every(({ start, end, rss }) => BigInt(rss) === end - start);
    t.is(isByFlags, canReadAreaFlags() && pageScan() !== 'none');
  } finally {
    child.kill('SIGKILL');
  }
});
