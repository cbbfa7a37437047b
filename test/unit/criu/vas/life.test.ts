// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asVasId } from '../../../../src/common/ids.js';
import { checkRoom, NoRoom, parseMeminfo, type Budget } from '../../../../src/criu/vas/budget.js';
import { judgeLife, type Life } from '../../../../src/criu/vas/life.js';
import type { VasEntry } from '../../../../src/criu/vas/store.js';

const NOW = new Date('2026-01-01T12:00:00Z');
const HOUR = 3_600_000;
const TTL = { ttlMs: HOUR };
const BY_DIRECTORY = { lease: 'directory' } as const;
const BY_CALLER = { lease: 'caller' } as const;

type Facts = Partial<Omit<Life, 'record'>> & {
  readonly record?: Partial<NonNullable<Life['record']>>;
  readonly state?: VasEntry['state'];
  readonly isGone?: boolean;
};

/** What becomes of a VAS that was used half an hour ago; a number: the minutes until the next look. */
function verdict({ record = {}, state = 'complete', isGone = false, ...facts }: Facts): unknown {
  const id = asVasId('a'.repeat(32));
  const whole = { format: 1, id, imagePath: '/image', note: '', ...record } as const;
  const life = { clones: 0, isWatching: true, usedAt: new Date(NOW.getTime() - HOUR / 2) };
  const found = judgeLife({ state }, { ...life, ...facts, record: whole }, { isGone, now: NOW });
  if ('ends' in found) return found.ends;
  return found.lookAgainMs === undefined ? 'stays' : found.lookAgainMs / 60_000;
}

const LONG_AGO = new Date(NOW.getTime() - HOUR);

test('a VAS without a limit stays', (t) => {
  t.is(verdict({}), 'stays');
  t.is(verdict({ usedAt: LONG_AGO, isGone: true, isWatching: false }), 'stays');
});

test('one ends when it has not been used for its time', (t) => {
  t.is(verdict({ record: TTL }), 30);
  t.is(verdict({ record: TTL, usedAt: LONG_AGO }), 'it has not been used for 3600 s');
  t.is(verdict({ record: TTL, usedAt: new Date(LONG_AGO.getTime() + 60_000) }), 1);
});

test('one in use does not end', (t) => {
  const gone = { usedAt: LONG_AGO, isGone: true, isWatching: false };
  for (const record of [TTL, BY_DIRECTORY, BY_CALLER]) {
    t.is(typeof verdict({ ...gone, record, clones: 1 }), 'number');
    t.is(typeof verdict({ ...gone, record, state: 'filling' }), 'number');
    t.is(typeof verdict({ ...gone, record }), 'string');
  }
});

test('one ends with its image', (t) => {
  t.is(verdict({ record: BY_DIRECTORY }), 'stays');
  t.is(verdict({ record: BY_DIRECTORY, isWatching: false }), 'its image has been removed');
  t.is(verdict({ record: BY_CALLER, isWatching: false }), 10);
  t.is(verdict({ record: BY_CALLER, isGone: true }), 'its image has been removed');
  t.is(verdict({ record: { ...TTL, ...BY_CALLER } }), 10);
  t.is(verdict({ record: TTL, state: 'lost' }), 'its memory is lost');
});

const MIB = 2 ** 20;
const HOST = { total: 1000 * MIB, available: 300 * MIB, unavailable: 700 * MIB };
const BUDGET: Budget = { limit: undefined, used: 0, reserve: 20 * MIB };

function missing(budget: Partial<Budget>, mib: number, isCopied = true) {
  try {
    checkRoom({ ...BUDGET, ...budget }, () => mib * MIB, { isCopied, memory: HOST });
    return 'fits';
  } catch (error) {
    if (!(error instanceof NoRoom)) throw error;
    return error.missing === undefined ? error.message : error.missing / MIB;
  }
}

test('a checkpoint leaves the reserve of its host', (t) => {
  t.is(missing({}, 280), 'fits');
  t.regex(
    missing({}, 281) as string,
    /takes 281 MiB, and of 300 MiB that are available on this host 20 MiB have to be left.*remedy/,
  );
  t.is(missing({}, 281, false), 'fits', 'what the kernel duplicates takes nothing');
  t.is(missing({ limit: 1000 * MIB }, 290), 10, 'with a budget, others make room');
});

test('a checkpoint keeps to the budget', (t) => {
  const budget = { limit: 200 * MIB, used: 150 * MIB };
  t.is(missing(budget, 50), 'fits');
  t.is(missing(budget, 60), 10);
  t.is(missing(budget, 60, false), 10);
  t.regex(missing(budget, 201) as string, /have 150 MiB.*takes 201 MiB.*budget is 200 MiB/);
});

test('what cannot be more than there is left is not added up', (t) => {
  const memory = { ...HOST, available: 800 * MIB, unavailable: 200 * MIB };
  const sum = (): number => {
    throw new Error('added up');
  };
  t.notThrows(() => {
    checkRoom(BUDGET, sum, { isCopied: true, memory });
  });
  t.throws(
    () => {
      checkRoom({ ...BUDGET, limit: 1 }, sum, { isCopied: true, memory });
    },
    { message: 'added up' },
  );
});

test('memory of the host is what can be had, swap included', (t) => {
  const text = `MemTotal:        1000 kB
MemFree:          100 kB
MemAvailable:     400 kB
SwapTotal:        300 kB
SwapFree:         250 kB
`;
  t.deepEqual(parseMeminfo(text), {
    total: 1000 * 1024,
    available: 650 * 1024,
    unavailable: 650 * 1024,
  });
});
