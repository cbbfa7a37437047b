// SPDX-License-Identifier: Apache-2.0
import type { IpcParts } from '../../image/parts.js';
import type { IpcVarEntry } from '../../image/types.js';
import { wholePages } from '../../memory/memory-map.js';
import { PAGE } from '../../../native/abi/index.js';
import { limits, type LimitName, type LimitValues } from './limits.js';

/** What a restore finds in place: an IPC namespace. */
export interface LiveIpc {
  /** Whether it is the new container's own. */
  readonly isOwn: boolean;
  readonly limits: IpcVarEntry;
  /** Sysctls that the live spec sets, by their paths below /proc/sys: these stay. */
  readonly fixed: ReadonlySet<string>;
}

/** What becomes of a sysctl; nothing where there is no value. */
export interface LimitStep {
  /** Below /proc/sys. */
  readonly path: string;
  /** Before objects are made: it must allow all of them. */
  readonly before: string | undefined;
  /** When all is in place. */
  readonly after: string | undefined;
}

/**
 * What is written to the limits of a new IPC namespace: those of the old one, unless the live spec sets them. While
 * objects are made they allow what there is: objects remain when a limit is lowered below them.
 */
export function limitSteps(image: IpcParts, old: IpcVarEntry, live: LiveIpc): LimitStep[] {
  const needed = neededBy(image);
  const steps: LimitStep[] = [];
  for (const [name, { path, of }] of limits()) {
    const current = of(live.limits);
    const last = live.fixed.has(path) || of(old).length !== current.length ? current : of(old);
    const need = needed[name] ?? [];
    const first = current.map((value, at) => largest([value, last[at] ?? 0n, need[at] ?? 0n]));
    const isOff = name === 'rmidForced'; // Nothing has to be allowed, and segments would go.
    const before = isOff || isSame(first, current) ? undefined : wordsOf(first);
    const now = before === undefined ? current : first;
    const after = isSame(last, now) ? undefined : wordsOf(last);
    if ((before ?? after) !== undefined) steps.push({ path, before, after });
  }
  return steps;
}

function neededBy({
  segments,
  semaphores,
  messageQueues,
}: IpcParts): Partial<Record<LimitName, LimitValues>> {
  const sizes = segments.map(({ entry }) => entry.size);
  const sets = semaphores.map(({ entry }) => BigInt(entry.nsems));
  const queued = messageQueues.map(({ messages }) => messages.map(({ data }) => data.length));
  const queues = messageQueues.map(({ entry }, nth) => {
    const lengths = queued[nth] ?? [];
    const bytes = lengths.reduce((all, one) => all + one, 0);
    return BigInt(Math.max(entry.qbytes, bytes, lengths.length));
  });
  return {
    sem: [largest(sets), sum(sets), 2n, BigInt(sets.length)],
    msgmax: [largest(queued.flat().map(BigInt))],
    msgmnb: [largest(queues)],
    msgmni: [BigInt(queues.length)],
    shmmax: [largest(sizes)],
    shmall: [sum(sizes.map((size) => wholePages(size) / PAGE))],
    shmmni: [BigInt(sizes.length)],
  };
}

function largest(values: readonly bigint[]): bigint {
  return values.reduce((most, value) => (value > most ? value : most), 0n);
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((all, value) => all + value, 0n);
}

function isSame(a: LimitValues, b: LimitValues): boolean {
  return a.every((value, at) => value === b[at]);
}

function wordsOf(values: LimitValues): string {
  return values.join(' ');
}
