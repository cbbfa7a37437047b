// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, INIT } from '../../../../src/common/ids.js';
import type { MappedArea } from '../../../../src/criu/memory/memory-map.js';
import { decodeSegments, encodeSegments, segmentsOf } from '../../../../src/criu/vas/segments.js';

const AREA: MappedArea = {
  ...{ start: 0x1000n, end: 0x4000n, kind: 'anonymous', prot: 3, flags: 0, advice: 0, traits: 0 },
  ...{ key: 0, offset: 0n, object: 0n, file: undefined, name: undefined, holes: undefined },
  runs: [
    { start: 0x1000n, length: 0x1000n },
    { start: 0x3000n, length: 0x1000n },
  ],
  place: 0x1000n,
};

test('segments come back as they were written', (t) => {
  const second = asNsPid(7);
  const shared = { ...AREA, kind: 'anonymous-shared', runs: [], place: undefined } as const;
  const written = { ...AREA, end: 1n << 47n, kind: 'file-private', prot: 5 } as const;
  const bytes = encodeSegments([[AREA], [], [shared, written]]);
  const processes = [
    { pid: INIT, segments: 1 },
    { pid: asNsPid(2), segments: 0 },
    { pid: second, segments: 2 },
  ];
  t.deepEqual(decodeSegments(bytes, processes), [
    { pid: INIT, start: 0x1000n, end: 0x4000n, kind: 'private', protection: 'rw-', bytes: 8192 },
    { pid: second, start: 0x1000n, end: 0x4000n, kind: 'shared', protection: 'rw-', bytes: 0 },
    {
      pid: second,
      start: 0x1000n,
      end: 1n << 47n,
      kind: 'file-private',
      protection: 'r-x',
      bytes: 8192,
    },
  ]);
});

test('what a VAS does not hold is no segment', (t) => {
  const kept = [AREA, { ...AREA, kind: 'anonymous-shared', place: undefined } as const];
  const left: MappedArea[] = [
    { ...AREA, kind: 'file-shared' },
    { ...AREA, kind: 'file-private', place: undefined },
    { ...AREA, kind: 'vdso' },
  ];
  const map = { pid: INIT, label: 'pid 1', areas: [...kept, ...left], guards: [] };
  t.deepEqual(segmentsOf(map), kept);
});
