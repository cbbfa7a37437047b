// SPDX-License-Identifier: Apache-2.0
import type { Life, VasEntry } from '../criu/index.js';

const STEPS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** Why a VAS is kept, in words: what uses it, and what has to happen until it ends. Pure. */
export function keptBy(
  { state, snapshot }: Pick<VasEntry, 'state' | 'snapshot'>,
  { record, clones, usedAt }: Life,
  now: Date,
): readonly string[] {
  const { ttlMs, lease, imagePath = '' } = record ?? {};
  const uses = [
    ...(state === 'filling' ? ['it is being filled'] : []),
    ...(clones > 0 ? [`used by ${String(clones)} ${clones === 1 ? 'clone' : 'clones'}`] : []),
  ];
  const limits = [
    ...(ttlMs === undefined ? [] : [`for ${span(usedAt.getTime() + ttlMs - now.getTime())}`]),
    ...(lease === undefined
      ? []
      : [leaseWords(lease === 'directory', imagePath, snapshot !== undefined)]),
  ];
  return [...uses, ...(limits.length === 0 ? ['until it is removed'] : limits)];
}

function leaseWords(isDirectory: boolean, imagePath: string, isSnapshot: boolean): string {
  if (isDirectory) return `as long as ${imagePath}/vas.json`;
  return `as long as containerd has its ${isSnapshot ? 'files' : 'content'}`;
}

/** A time that is left: `1h 5m`, `3d`; rounded down to two units. */
function span(ms: number): string {
  let seconds = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [unit, length] of STEPS) {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    if (count > 0) parts.push(`${String(count)}${unit}`);
  }
  return parts.slice(0, 2).join(' ') || 'a moment';
}
