// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { classifyArea } from '../../../../src/criu/memory/area.js';
import { distribute } from '../../../../src/criu/memory/page-finder.js';
import type { StoredArea } from '../../../../src/criu/memory/snapshot.js';
import { stretches } from '../../../../src/criu/memory/stretches.js';
import { parseSmaps } from '../../../../src/criu/procfs/smaps.js';

const PAGE = 4096n;
const START = 0x7f0000000000n;

/** Areas of a page each, one after the other, stored in place. */
function areas(lines: readonly string[], runs = true): StoredArea[] {
  const text = lines.map((line, index) => {
    const [protection = '', flags = ''] = line.split(': ');
    const at = START + BigInt(index) * PAGE;
    const range = `${at.toString(16)}-${(at + PAGE).toString(16)}`;
    return `${range} ${protection} 00000000 00:00 0 \nVmFlags: ${flags}\n`;
  });
  return parseSmaps(text.join('')).map((vma) => {
    const { kind } = classifyArea('pid 1 (x)', vma);
    const stored = runs ? [{ start: vma.start, length: PAGE }] : [];
    return { vma, kind, runs: stored, guards: [], place: vma.start };
  });
}

test('any number of neighbours that differ in protection is mapped and copied at one stroke', (t) => {
  const alternating = Array.from({ length: 30_000 }, (_, index) =>
    index % 2 ? 'rw-p: rd wr ac' : 'r--p: rd ac',
  );
  const [one, ...others] = stretches(areas(alternating));
  t.deepEqual(others, []);
  t.is(one?.vma.end, START + 30_000n * PAGE);
  t.deepEqual(one?.runs, [{ start: START, length: 30_000n * PAGE }]);
});

test('what has to be mapped or read otherwise is left apart', (t) => {
  const lines = [
    'rw-p: rd wr ac', '---p: ac', 'rw-p: rd wr ac', 'rw-p: rd wr nr', 'rw-p: rd wr ac hg', 'rw-p: rd wr gd ac',
  ]; // prettier-ignore
  t.is(stretches(areas(lines)).length, lines.length);
  const [first, second] = areas(['rw-p: rd wr ac', 'r--p: rd ac']);
  if (!first || !second) return t.fail();
  t.is(stretches([first, { ...second, place: 0x10000n }]).length, 2);
});

test('pages of one scan find their areas, also where they span several', (t) => {
  const known = areas(['rw-p: rd wr', 'r--p: rd', 'rw-p: rd wr wf', 'rw-p: rd wr'], false);
  const at = (page: bigint) => START + page * PAGE;
  const found = distribute(known, [
    { start: at(-2n), end: at(-1n), isGuard: false },
    { start: at(0n), end: at(3n), isGuard: false },
    { start: at(3n), end: at(4n), isGuard: true },
    { start: at(9n), end: at(10n), isGuard: false },
  ]);
  t.deepEqual(
    found.map(({ runs, guards }) => [runs.length, guards.length]),
    [[1, 0], [1, 0], [0, 0], [0, 1]],
  ); // prettier-ignore
  t.deepEqual(found[1]?.runs, [{ start: at(1n), length: PAGE }]);
});
