// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../../src/common/errors.js';
import { judgeAreas } from '../../../../../src/criu/memory/live/judge.js';
import type { MappedArea } from '../../../../../src/criu/memory/memory-map.js';
import { parseSmaps } from '../../../../helpers/smaps.js';

/** Judges private anonymous memory with a protection and a key. */
function judge(protection: string, key: number): MappedArea | undefined {
  const vmas = parseSmaps(
    `7f0000000000-7f0000001000 ${protection} 00000000 00:00 0 \nProtectionKey: ${String(key)}\nVmFlags: mr mw me\n`,
  );
  return judgeAreas('pid 5 (sh)', vmas)[0];
}

test('memory with a protection key is refused', (t) => {
  const error = t.throws(() => judge('rw-p', 1), { instanceOf: ShimError });
  t.is(error.kind, 'failedPrecondition');
  t.regex(error.message, /^pid 5 \(sh\) memory 0x7f.*: a memory protection key is not supported$/);
  t.throws(() => judge('r-xp', 2), { instanceOf: ShimError });
  t.is(judge('rw-p', 0)?.kind, 'anonymous');
});

test('memory with a flag that nobody knows is refused by the name of the flag', (t) => {
  const flagged = (flags: string) => {
    const vmas = parseSmaps(
      `7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \nVmFlags: rd wr mr mw me ${flags}\n`,
    );
    return judgeAreas('pid 5 (x)', vmas)[0];
  };
  for (const known of ['ac sd', 'nr', 'lo lf', 'gd ac', 'dp nr wf dd', 'gu']) {
    t.is(flagged(known)?.kind, 'anonymous', known);
  }
  const message =
    /^pid 5 \(x\) memory 0x7f.*: the flag "(zz|\?\?)" that its VmFlags show is not supported$/;
  t.throws(() => flagged('ac zz'), { instanceOf: ShimError, message });
  t.throws(() => flagged('??'), { instanceOf: ShimError, message });
  t.throws(() => flagged('mm'), { instanceOf: ShimError, message: /device memory/ });
});

test('the key that the kernel gives to memory that can only be executed is none of those', (t) => {
  t.is(judge('--xp', 1)?.kind, 'anonymous');
});
