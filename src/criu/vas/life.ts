// SPDX-License-Identifier: Apache-2.0
import type { Config } from '../../common/config.js';
import type { VasId } from '../../common/ids.js';
import type { LeaseMode, Ttl } from '../../common/lease-mode.js';
import { orderLife } from './life-order.js';
import {
  lastUse,
  readLife,
  writeLife,
  type Lease,
  type LifeFacts,
  type LifeRecord,
} from './life-record.js';
import type { VasEntry } from './store.js';
import { usesOf, type Uses } from './uses.js';

/** How long until the first look for what the caller judges, and between two. */
const FIRST_LOOK_MS = 60_000;
const LOOK_MS = 600_000;

/** What is wanted of a new VAS's life; what is undefined, the configuration says. */
export interface LifeRequest {
  /** Milliseconds from its last use; `never`: whatever the configuration says. */
  readonly ttlMs?: Ttl | undefined;
  readonly lease?: LeaseMode | undefined;
  /** Whether the image does not stay where it is written, so that only the caller can tell when it is gone. */
  readonly isKeptElsewhere?: boolean;
  /** What the caller has to know to judge and to tell of the end. */
  readonly note?: string | undefined;
}

/** Begins the life of a VAS whose checkpoint is complete. @throws ShimError if its keeper does not look after it */
export function beginLife(
  id: VasId,
  imagePath: string,
  { request = {}, config }: { readonly request?: LifeRequest | undefined; readonly config: Config },
): void {
  const { note = '' } = request;
  const ttlMs = request.ttlMs ?? config.vas.ttlMs;
  const hasLease = (request.lease ?? config.vas.lease) === 'image';
  const lease: Lease = request.isKeptElsewhere ? 'caller' : 'directory';
  const facts: LifeFacts = {
    ...(typeof ttlMs === 'number' && { ttlMs }),
    ...(hasLease && { lease }),
    ...{ imagePath, note },
  };
  if (note === '' && facts.ttlMs === undefined && !hasLease) return;
  writeLife(id, facts);
  lookAfter(id, facts);
}

/** Changes what ends a VAS whose image is its own. What is undefined stays. @throws ShimError */
export function changeLife(id: VasId, request: Omit<LifeRequest, 'isKeptElsewhere'>): void {
  const { ttlMs: before, lease: leased } = readLife(id) ?? {};
  const { ttlMs = before, note = '' } = request;
  const hasLease = request.lease === undefined ? leased !== undefined : request.lease === 'image';
  const facts: LifeFacts = {
    ...(typeof ttlMs === 'number' && { ttlMs }),
    ...(hasLease && { lease: 'caller' as const }),
    ...{ imagePath: '', note },
  };
  writeLife(id, facts);
  lookAfter(id, facts);
}

/** Replaces the note of a VAS. */
export function changeNote({ id, ...facts }: LifeRecord, note: string): void {
  writeLife(id, { ...facts, note });
}

/** Orders the keeper of a VAS to ask again. @throws ShimError */
export function lookAgain(id: VasId, afterMs: number | undefined): void {
  orderLife(id, { afterMs });
}

function lookAfter(id: VasId, { ttlMs, lease, imagePath }: LifeFacts): void {
  const afterMs = soonest(ttlMs, lease === 'caller' ? FIRST_LOOK_MS : undefined);
  const watch = lease === 'directory' ? { watch: imagePath } : {};
  if (afterMs !== undefined || lease === 'directory') orderLife(id, { afterMs, ...watch });
}

/** What is known of the life of a VAS. */
export interface Life extends Uses {
  readonly record: LifeRecord | undefined;
  readonly usedAt: Date;
}

/** Looks at the life of a VAS. */
export function lifeOf({ id, holder, createdAt }: VasEntry): Life {
  const uses = holder ? usesOf(holder.pid) : { clones: 0, isWatching: false };
  return { ...uses, record: readLife(id), usedAt: lastUse(id) ?? createdAt };
}

/** Why a VAS ends, or what is to be done about it. */
export type Verdict =
  | { readonly ends: string }
  | { readonly lookAgainMs: number | undefined; readonly isUsed: boolean };

/**
 * Judges the life of a VAS. `isGone`: whether its image is, where only the caller can tell. One in use never ends. Pure.
 */
export function judgeLife(
  { state }: Pick<VasEntry, 'state'>,
  { record, clones, isWatching, usedAt }: Life,
  { isGone, now }: { readonly isGone: boolean; readonly now: Date },
): Verdict {
  const { ttlMs, lease } = record ?? {};
  const look = lease === 'caller' ? LOOK_MS : undefined;
  const isUsed = clones > 0;
  if (isUsed || state === 'filling') {
    return { lookAgainMs: soonest(ttlMs, look ?? (lease && FIRST_LOOK_MS)), isUsed };
  }
  const hasNoImage = lease === 'directory' ? !isWatching : lease !== undefined && isGone;
  const leftMs = ttlMs === undefined ? undefined : usedAt.getTime() + ttlMs - now.getTime();
  const ends = reasonFor({ isLost: state !== 'complete', hasNoImage, leftMs }, ttlMs);
  return ends === undefined ? { lookAgainMs: soonest(leftMs, look), isUsed } : { ends };
}

function reasonFor(
  {
    isLost,
    hasNoImage,
    leftMs,
  }: Readonly<{ isLost: boolean; hasNoImage: boolean; leftMs?: number | undefined }>,
  ttlMs = 0,
): string | undefined {
  if (isLost) return 'its memory is lost';
  if (hasNoImage) return 'its image has been removed';
  if (leftMs === undefined || leftMs > 0) return undefined;
  return `it has not been used for ${String(Math.round(ttlMs / 1000))} s`;
}

function soonest(...times: readonly (number | undefined)[]): number | undefined {
  const given = times.filter((time) => time !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
