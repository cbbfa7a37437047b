// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Change } from '../../../../src/cli/service/messages/service.js';
import { changesBetween, SnapshotWatch } from '../../../../src/cli/service/watch.js';
import type { VasStore } from '../../../../src/cli/vas-store.js';
import { ShimError } from '../../../../src/common/errors.js';
import type { VasEntry } from '../../../../src/criu/index.js';
import { until } from '../../../helpers/run.js';

const WORDS = new Map<number, string>(
  Object.entries(Change).map(([word, number]) => [number, word.slice('CHANGE_'.length)]),
);

/** Snapshots by letters; a capital one is lost. */
function entries(letters: string): VasEntry[] {
  return letters.split('').map((letter) => {
    const id = letter.toLowerCase();
    const state = id === letter ? 'complete' : 'lost';
    return { id, state, snapshot: { owner: 'default' } } as unknown as VasEntry;
  });
}

function changes(before: string, now: string): string {
  const mapOf = (letters: string) => new Map(entries(letters).map((vas) => [String(vas.id), vas]));
  const events = changesBetween(mapOf(before), mapOf(now));
  return events.map(({ change, vas }) => `${WORDS.get(change) ?? ''} ${vas.id}`).join(', ');
}

test('what has become of snapshots is told once', (t) => {
  t.is(changes('', ''), '');
  t.is(changes('ab', 'ab'), '');
  t.is(changes('ab', 'bc'), 'ENDED a, BEGUN c');
  t.is(changes('ab', 'aB'), 'LOST b');
  t.is(changes('aB', 'aB'), '');
  t.is(changes('', 'A'), 'BEGUN a, LOST a');
});

test('who follows hears what is there, then what changes, until the end', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mvas-watch-'));
  t.teardown(() => {
    rmSync(root, { recursive: true });
  });
  let now = 'a';
  const store = { list: () => Promise.resolve(entries(now)) } as unknown as VasStore;
  const watch = new SnapshotWatch(root, () => Promise.resolve(store));
  const follow = () => {
    const abort = new AbortController();
    const heard: string[] = [];
    const ended = watch.follow(abort.signal, ({ change, vas }) => {
      heard.push(`${WORDS.get(change) ?? ''} ${vas.id}`);
    });
    return { abort, heard, ended };
  };
  const expect = async ({ heard }: { readonly heard: string[] }, words: string) => {
    await until(words, () => Promise.resolve(heard.join(', ') === words));
  };
  const first = follow();
  await expect(first, 'PRESENT a');
  now = 'ab';
  writeFileSync(join(root, 'touched'), '');
  await expect(first, 'PRESENT a, BEGUN b');
  const second = follow();
  await expect(second, 'PRESENT a, PRESENT b');
  first.abort.abort(new ShimError('canceled', 'enough'));
  await t.throwsAsync(first.ended, { message: 'enough' });
  now = 'b';
  writeFileSync(join(root, 'touched again'), '');
  await expect(second, 'PRESENT a, PRESENT b, ENDED a');
  second.abort.abort(new ShimError('canceled', 'enough'));
  await t.throwsAsync(second.ended, { message: 'enough' });
  t.is(first.heard.length, 2);
});
