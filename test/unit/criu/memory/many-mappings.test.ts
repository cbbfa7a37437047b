// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { PROT_READ, PROT_READ_WRITE } from '../../../../src/native/abi/index.js';
import { INIT } from '../../../../src/common/ids.js';
import { judgeAreas } from '../../../../src/criu/memory/live/judge.js';
import { distribute } from '../../../../src/criu/memory/live/page-finder.js';
import { NO_RUNS, type MappedArea } from '../../../../src/criu/memory/memory-map.js';
import { protectionInHolder, stretches } from '../../../../src/criu/memory/stretches.js';
import { parseSmaps } from '../../../helpers/smaps.js';

const PAGE = 4096n;
const START = 0x7f0000000000n;

/** Areas of a page each, one after the other, stored in place. */
function areas(lines: readonly string[], runs = true): MappedArea[] {
  const text = lines.map((line, index) => {
    const [protection = '', flags = ''] = line.split(': ');
    const at = START + BigInt(index) * PAGE;
    const range = `${at.toString(16)}-${(at + PAGE).toString(16)}`;
    return `${range} ${protection} 00000000 00:00 0 \nVmFlags: ${flags}\n`;
  });
  return judgeAreas('pid 1 (x)', parseSmaps(text.join(''))).map((area) => {
    const stored = runs ? [{ start: area.start, length: PAGE }] : [];
    return { ...area, runs: stored, place: area.start };
  });
}

test('any number of neighbours that differ in protection is mapped and copied at one stroke', (t) => {
  const alternating = Array.from({ length: 30_000 }, (_, index) =>
    index % 2 ? 'rw-p: rd wr ac' : 'r--p: rd ac',
  );
  const [one, ...others] = stretches(areas(alternating));
  t.deepEqual(others, []);
  t.is(one?.whole.end, START + 30_000n * PAGE);
  t.deepEqual(one?.whole.runs, [{ start: START, length: 30_000n * PAGE }]);
  t.is(one?.mapped, PROT_READ_WRITE);
  t.deepEqual(one?.writable, []);
});

test('what could never be written is mapped as it is, and takes a reserve no more than in its process', (t) => {
  const alternating = ['r--p: rd', 'rw-p: rd wr ac', 'r--p: rd', 'rw-p: rd wr ac', 'r--p: rd ac'];
  const [one, ...others] = stretches(areas(alternating, false));
  if (!one) return t.fail();
  t.deepEqual(others, []);
  t.is(one.mapped, PROT_READ);
  t.false(one.isUnreserved);
  t.deepEqual(one.writable, [
    { start: START + PAGE, length: PAGE },
    { start: START + 3n * PAGE, length: 2n * PAGE },
  ]);
  const bits = one.members.map((member) => protectionInHolder(member, one));
  t.deepEqual(bits, [PROT_READ, PROT_READ_WRITE, PROT_READ, PROT_READ_WRITE, PROT_READ_WRITE]);
});

test('what has no reserve and pages nevertheless is filled without one', (t) => {
  const [one, ...others] = stretches(areas(['r--p: rd', 'r--p: rd nr']));
  if (!one) return t.fail();
  t.deepEqual(others, []);
  t.true(one.isUnreserved);
  t.is(one.mapped, PROT_READ_WRITE);
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
  const map = { pid: INIT, label: 'pid 1 (x)', areas: known, guards: NO_RUNS };
  const found = distribute(map, [
    { start: at(-2n), end: at(-1n), isGuard: false },
    { start: at(0n), end: at(3n), isGuard: false },
    { start: at(3n), end: at(4n), isGuard: true },
    { start: at(9n), end: at(10n), isGuard: false },
  ]);
  t.deepEqual(
    found.areas.map(({ runs }) => runs.length),
    [1, 1, 0, 0],
  );
  t.deepEqual(found.areas[1]?.runs, [{ start: at(1n), length: PAGE }]);
  t.deepEqual(found.guards, [{ start: at(3n), length: PAGE }]);
});
