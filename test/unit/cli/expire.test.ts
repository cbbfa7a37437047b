// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { keptBy } from '../../../src/cli/kept.js';
import type { VasStore } from '../../../src/cli/vas-store.js';
import { expire, unusedFirst } from '../../../src/cli/work/expire.js';
import { asHostPid, asVasId } from '../../../src/common/ids.js';
import type { Life, VasEntry } from '../../../src/criu/index.js';

const NOW = new Date('2026-01-01T12:00:00Z');
const MINUTE = 60_000;
const MIB = 2 ** 20;

interface Fake {
  readonly minutes: number;
  readonly mib?: number;
  readonly clones?: number;
  readonly state?: VasEntry['state'];
  readonly needs?: readonly string[];
  /** The letter of the one that it is a fork of, with 1 MiB of its own. */
  readonly origin?: string;
}

/** VASes by a letter each, used that many minutes ago. */
function storeOf(fakes: Readonly<Record<string, Fake>>): VasStore {
  const entries = Object.entries(fakes).map(([letter, fake]) => {
    const { mib = 10, state = 'complete', origin } = fake;
    const id = asVasId(letter.repeat(32));
    const copied = origin !== undefined && { origin: origin.repeat(32), copied: MIB };
    const record = { id, bytes: mib * MIB, ...copied };
    return { id, state, record, holder: { pid: asHostPid(1) } };
  }) as unknown as VasEntry[];
  const of = ({ id }: Pick<VasEntry, 'id'>): Fake => fakes[id.slice(0, 1)] ?? { minutes: 0 };
  const life = (entry: VasEntry): Life => {
    const { minutes, clones = 0 } = of(entry);
    const usedAt = new Date(NOW.getTime() - minutes * MINUTE);
    return { record: undefined, clones, isWatching: false, usedAt };
  };
  return {
    list: () => Promise.resolve(entries),
    life,
    needsOf: (entry: VasEntry) => Promise.resolve(of(entry).needs ?? []),
  } as Partial<VasStore> as VasStore;
}

async function room(fakes: Readonly<Record<string, Fake>>, mib: number): Promise<string> {
  const run = { room: mib * MIB, isDry: true, now: NOW };
  const { ended } = await expire(storeOf(fakes), run);
  return ended.map(({ id }) => id.slice(0, 1)).join('');
}

test('what has not been used for the longest time makes room first', async (t) => {
  const fakes = { a: { minutes: 3 }, b: { minutes: 9 }, c: { minutes: 6 } };
  t.is(await room(fakes, 5), 'b');
  t.is(await room(fakes, 20), 'bc');
  t.is(await room(fakes, 30), 'bca');
  await t.throwsAsync(room(fakes, 31), {
    message: 'only 30 MiB of 31 MiB are in VASes that nobody uses',
  });
});

test('of a series only what they do not share makes room', async (t) => {
  const fakes = {
    a: { minutes: 9 },
    b: { minutes: 8, origin: 'a' },
    c: { minutes: 7, origin: 'b' },
    d: { minutes: 6 },
  };
  t.is(await room(fakes, 1), 'a');
  t.is(await room(fakes, 3), 'abc');
  t.is(await room(fakes, 12), 'abc');
  t.is(await room(fakes, 13), 'abcd');
  await t.throwsAsync(room(fakes, 23), { message: /only 22 MiB/ });
});

test('what somebody relies on makes no room', async (t) => {
  const fakes = {
    a: { minutes: 9, clones: 1 },
    b: { minutes: 8, state: 'filling' },
    c: { minutes: 7, needs: ['container x is to start from it'] },
    d: { minutes: 6, state: 'lost' },
    e: { minutes: 5 },
  } as const;
  t.is(await room(fakes, 10), 'de');
  await t.throwsAsync(room(fakes, 11), { message: /only 10 MiB/ });
  const store = storeOf(fakes);
  const all = (await store.list()).map((entry) => ({ entry, life: store.life(entry) }));
  t.is(
    unusedFirst(all)
      .map(({ entry }) => entry.id.slice(0, 1))
      .join(''),
    'cde',
  );
});

test('the list says why each is kept', (t) => {
  const usedAt = new Date(NOW.getTime() - 30 * MINUTE);
  const words = (record: object | undefined, clones = 0, state: VasEntry['state'] = 'complete') =>
    keptBy({ state }, { record, clones, isWatching: true, usedAt } as Life, NOW).join('; ');
  t.is(words(undefined), 'until it is removed');
  t.is(words({ ttlMs: 90 * MINUTE }, 2), 'used by 2 clones; for 1h');
  t.is(words({ ttlMs: 86_400_000 }), 'for 23h 30m');
  t.is(words({ ttlMs: 1000 }), 'for a moment');
  t.is(
    words({ lease: 'directory', imagePath: '/i' }, 1),
    'used by 1 clone; as long as /i/vas.json',
  );
  t.is(
    words({ lease: 'caller' }, 0, 'filling'),
    'it is being filled; as long as containerd has its content',
  );
});
