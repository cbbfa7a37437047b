// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { whyCopied, type KeptMemory } from '../../../../src/criu/memory/why-copied.js';

type Memory = KeptMemory['memories'][number];

/** One process with an area that has some flags, stored at a place or not. */
function memory(flags: readonly string[], place: bigint | undefined): Memory {
  return { areas: [{ vma: { vmFlags: new Set(flags) }, place }] } as unknown as Memory;
}

const NOTHING: KeptMemory = { memories: [], cores: new Map() };

test('duplicates are kept unless something speaks against it', (t) => {
  t.is(whyCopied(NOTHING), undefined);
  t.is(whyCopied({ ...NOTHING, memories: [memory(['rd', 'wr'], 0x1000n)] }), undefined);
  t.is(whyCopied({ ...NOTHING, cores: new Map([[1, {} as never]]) }), undefined);
});

test('memory that forks leave out is copied, unless nothing of it is stored', (t) => {
  t.regex(whyCopied({ ...NOTHING, memories: [memory(['dc'], 0x1000n)] }) ?? '', /MADV_DONTFORK/);
  t.is(whyCopied({ ...NOTHING, memories: [memory(['dc'], undefined)] }), undefined);
});

test('the memory of who denies itself new code is copied', (t) => {
  const cores = new Map([[1, { tc: { mvas_mdwe: 1 } } as never]]);
  t.regex(whyCopied({ ...NOTHING, cores }) ?? '', /PR_SET_MDWE/);
});
