// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../src/common/errors.js';
import type { TtyDataEntry, TtyInfoEntry } from '../../../src/criu/image/types.js';
import {
  checkContent,
  MOST_TAKEN,
} from '../../../src/criu/resources/files/kinds/terminal/content.js';
import { deviceOf } from '../../../src/criu/resources/files/kinds/terminal/terminal.js';
import { messageArbitrary } from '../../unit/criu/image/arbitraries.js';

const TIME_BOX_MS = 1_000;
const RUNS = 20_000;
const NEWLINE = 0x0a;
const CANONICAL = 0o2;

/** So few that they often belong together. */
const FEW = fc.integer({ min: 1, max: 2 });

/** Of a pair, most of the time. */
const INFO: fc.Arbitrary<TtyInfoEntry> = fc
  .tuple(messageArbitrary('tty_info_entry'), FEW, FEW, fc.boolean())
  .map(([info, id, index, isMaster]) => ({
    ...{ ...info, id, pty: { index } },
    rdev: deviceOf(isMaster ? 'master' : 'slave', index),
  }));

const CONTENT: fc.Arbitrary<TtyDataEntry> = fc.record({
  tty_id: FEW,
  data: fc.uint8Array({ maxLength: 6 }).map((bytes) => bytes.map((byte) => byte % 12)),
  mvas_ends: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }),
});

test('what is accepted of unread data can be typed; all else is refused as dataLoss', (t) => {
  const box = { interruptAfterTimeLimit: TIME_BOX_MS, markInterruptAsFailure: false };
  let accepted = 0;
  const property = fc.property(
    fc.array(CONTENT, { maxLength: 2 }),
    fc.array(INFO, { maxLength: 3 }),
    (content, ttys) => {
      try {
        checkContent(content, ttys);
      } catch (error) {
        if (!(error instanceof ShimError) || error.kind !== 'dataLoss') throw error;
        return;
      }
      accepted += content.length;
      for (const entry of content) canBeTyped(entry, ttys);
    },
  );
  t.notThrows(() => {
    fc.assert(property, { numRuns: RUNS, ...box });
  });
  t.true(accepted > 0);
});

/** Throws unless each byte that ends a line is where it says, and no newline is elsewhere. */
function canBeTyped(
  { tty_id, data, mvas_ends: ends }: TtyDataEntry,
  ttys: readonly TtyInfoEntry[],
): void {
  const info = ttys.findLast(({ id }) => id === tty_id);
  const isCanonical = ((info?.termios?.c_lflag ?? 0) & CANONICAL) !== 0;
  const isPlaced = ends.every((end) => end < data.length) && (isCanonical || ends.length === 0);
  const isTold = !isCanonical || info?.rdev === deviceOf('master', 1) || hasEnds(data, ends);
  if (!isPlaced || !isTold || data.length > MOST_TAKEN) throw new Error('it cannot be typed');
}

function hasEnds(data: Uint8Array, ends: readonly number[]): boolean {
  return data.every((byte, index) => byte !== NEWLINE || ends.includes(index));
}
