// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseRollup } from '../../../src/cli/memory-use.js';
import { choose, unneeded } from '../../../src/cli/work/prune.js';
import { asVasId } from '../../../src/common/ids.js';
import type { SnapshotRecord, VasEntry } from '../../../src/criu/index.js';

const NOW = new Date('2026-01-01T00:00:00Z');
const MINUTE = 60_000;

/** A snapshot of a container, that many minutes old. */
function entry(letter: string, containerId: string, age: number, state = 'complete'): VasEntry {
  const id = asVasId(letter.repeat(32));
  const createdAt = new Date(NOW.getTime() - age * MINUTE);
  const snapshot = { id, containerId } as SnapshotRecord;
  return { id, createdAt, state, snapshot } as VasEntry;
}

const ALL = [entry('a', 'x', 3), entry('b', 'x', 2), entry('c', 'y', 9), entry('d', 'x', 1)];

function chosen(limits: { olderMs?: number; keep?: number }, entries = ALL): string {
  const { olderMs, keep } = limits;
  return choose(entries, { olderMs, keep }, NOW)
    .map(({ id }) => id.slice(0, 1))
    .join('');
}

test('snapshots are chosen by age and number, newest first', (t) => {
  t.is(chosen({}), '');
  t.is(chosen({ keep: 1 }), 'ba');
  t.is(chosen({ keep: 0 }), 'dbac');
  t.is(chosen({ olderMs: 2 * MINUTE }), 'bac');
  t.is(chosen({ olderMs: 3 * MINUTE, keep: 1 }), 'a');
});

test('what is lost goes in any case, and does not count', (t) => {
  const entries = [entry('a', 'x', 1), entry('b', 'x', 0, 'lost')];
  t.is(chosen({}, entries), 'b');
  t.is(chosen({ keep: 1 }, entries), 'b');
});

test('what others need stays, and what that needs', (t) => {
  const [a, b, c] = choose(ALL, { olderMs: undefined, keep: 0 }, NOW);
  if (!a || !b || !c) return t.fail();
  const needs = new Map([
    [a.id, [b]],
    [b.id, [c]],
  ]);
  const needsOf = ({ id }: SnapshotRecord, containers: readonly string[]) => ({
    snapshots: needs.get(id) ?? [],
    containers,
  });
  t.deepEqual(
    unneeded([a, b, c], (one) => needsOf(one, [])),
    [a, b, c],
  );
  t.deepEqual(
    unneeded([a, b, c], (one) => needsOf(one, one === c ? ['warm'] : [])),
    [],
  );
  t.deepEqual(
    unneeded([a, b], (one) => needsOf(one, [])),
    [],
  );
});

test('memory of a process is told apart by who maps it', (t) => {
  const text = 'Rss: 90 kB\nPss:              40 kB\nPrivate_Clean: 4 kB\nPrivate_Dirty:   20 kB\n';
  t.deepEqual(parseRollup(text), { own: 24 * 1024, shared: 16 * 1024 });
});
