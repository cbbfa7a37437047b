// SPDX-License-Identifier: Apache-2.0
import { appendRun, type PageRun } from './page-runs.js';
import { isStash, type StoredArea } from './snapshot.js';

/** Whether the holder may take memory without a reserve for it: nothing is reserved for it in its process. */
export function isUnreserved(area: StoredArea): boolean {
  const { vma } = area;
  return isStash(area) || vma.vmFlags.has('nr') || !vma.vmFlags.has('ac');
}

/**
 * Joins neighbours that a holder maps and fills alike, whatever their protection: a process may have tens of
 * thousands of them, which differ in nothing else.
 */
export function stretches(areas: readonly StoredArea[]): StoredArea[] {
  const joined: StoredArea[] = [];
  for (let next = 0; next < areas.length;) {
    const [first, ...rest] = membersAt(areas, next);
    if (!first) break;
    next += 1 + rest.length;
    joined.push(rest.length === 0 ? first : join(first, rest));
  }
  return joined;
}

function membersAt(areas: readonly StoredArea[], from: number): readonly StoredArea[] {
  let end = from + 1;
  while (end < areas.length && areAlike(areas[end - 1], areas[end])) end++;
  return areas.slice(from, end);
}

function join(first: StoredArea, rest: readonly StoredArea[]): StoredArea {
  const runs: PageRun[] = [...first.runs];
  for (const { start, length } of rest.flatMap((area) => area.runs)) {
    appendRun(runs, start, start + length);
  }
  const end = rest.at(-1)?.vma.end ?? first.vma.end;
  return { ...first, vma: { ...first.vma, end }, runs };
}

function areAlike(a: StoredArea | undefined, b: StoredArea | undefined): boolean {
  if (a?.kind !== 'anonymous' || b?.kind !== 'anonymous') return false;
  const isNext = a.vma.end === b.vma.start && distance(a) === distance(b);
  return isNext && traits(a) === traits(b);
}

function distance({ vma, place = 0n }: StoredArea): bigint {
  return place - vma.start;
}

/** Whatever fill.ts looks at, but the protection. */
function traits(area: StoredArea): string {
  const { read, anonHugePages, vmFlags } = area.vma;
  const flags = ['gd', 'dp', 'hg', 'nh'].filter((flag) => vmFlags.has(flag));
  return [read, anonHugePages > 0, isStash(area), isUnreserved(area), ...flags].join();
}
