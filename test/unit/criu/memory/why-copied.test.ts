// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { INIT } from '../../../../src/common/ids.js';
import { MADV_DONTFORK, MADV_RANDOM, PROT_EXEC } from '../../../../src/native/abi/index.js';
import { whyCopied, type KeptMemory } from '../../../../src/criu/memory/why-copied.js';

type Memory = KeptMemory['maps'][number];

/** One process with an area that has some advice, stored at a place or not. */
function memory(advice: number, place: bigint | undefined): Memory {
  return { areas: [{ advice: 1 << advice, place, key: 0 }] } as unknown as Memory;
}

const NOTHING: KeptMemory = { maps: [], cores: new Map(), keys: new Map() };

test('duplicates are kept unless something speaks against it', (t) => {
  t.is(whyCopied(NOTHING), undefined);
  t.is(whyCopied({ ...NOTHING, maps: [memory(MADV_RANDOM, 0x1000n)] }), undefined);
  t.is(whyCopied({ ...NOTHING, cores: new Map([[INIT, {} as never]]) }), undefined);
});

test('memory that forks leave out is copied, unless nothing of it is stored', (t) => {
  t.regex(whyCopied({ ...NOTHING, maps: [memory(MADV_DONTFORK, 0x1000n)] }) ?? '', /MADV_DONTFORK/);
  t.is(whyCopied({ ...NOTHING, maps: [memory(MADV_DONTFORK, undefined)] }), undefined);
});

test('the memory of who denies itself new code is copied', (t) => {
  const cores = new Map([[INIT, { tc: { mvas_mdwe: 1 } } as never]]);
  t.regex(whyCopied({ ...NOTHING, cores }) ?? '', /PR_SET_MDWE/);
});

test('memory of who has protection keys is copied', (t) => {
  const keyed = { areas: [{ advice: 0, key: 1 }] } as unknown as Memory;
  t.regex(whyCopied({ ...NOTHING, maps: [keyed] }) ?? '', /pkey_alloc/);
  const executed = { areas: [{ advice: 0, key: 0, prot: PROT_EXEC }] } as unknown as Memory;
  t.regex(whyCopied({ ...NOTHING, maps: [executed] }) ?? '', /pkey_alloc/);
  t.regex(whyCopied({ ...NOTHING, keys: new Map([[INIT, 3]]) }) ?? '', /pkey_alloc/);
});
