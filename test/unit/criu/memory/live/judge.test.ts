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

test('memory keeps its protection key', (t) => {
  t.is(judge('rw-p', 15)?.key, 15);
  t.is(judge('--xp', 1)?.key, 1);
  t.is(judge('rw-p', 0)?.key, 0);
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
    /^pid 5 \(x\) memory 0x7f.*: the flag "(zz|\?\?)" that its VmFlags show is not supported; remedy: unmap it$/;
  t.throws(() => flagged('ac zz'), { instanceOf: ShimError, message });
  t.throws(() => flagged('??'), { instanceOf: ShimError, message });
  t.throws(() => flagged('mm'), { instanceOf: ShimError, message: /device memory/ });
});

test('whatever memory is refused for, a remedy is named', (t) => {
  const refused = (shown: string, flags: string) => () => {
    const vmas = parseSmaps(`7f0000000000-7f0000001000 ${shown}\nVmFlags: rd mr ${flags}\n`);
    judgeAreas('pid 5 (x)', vmas);
  };
  const expectation = { instanceOf: ShimError, message: /^pid 5 .* is not supported; remedy: \S/ };
  for (const flag of 'pf io mm ar sf ht uw um ui ss sl zz'.split(' ')) {
    t.throws(refused('rw-p 00000000 00:00 0 ', flag), expectation, flag);
  }
  for (const path of [
    '00000000 00:00 0 [uprobes]',
    '00000000 00:05 9 socket:[9]',
    '00000000 00:05 9 anon_inode:[x]',
    '00000000 00:05 9 anon_inode:[io_uring]',
    '00000000 00:05 9 /[aio] (deleted)',
  ]) {
    t.throws(refused(`rw-p ${path}`, 'mw me'), expectation, path);
  }
});

test('the key that the kernel gives to memory that can only be executed is none of those', (t) => {
  t.is(judge('--xp', 1)?.kind, 'anonymous');
});
