// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { SYS } from '../../../native/sys.js';
import type { RlimitEntry, TaskRlimitsEntry } from '../../image/types.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Sequence } from '../../plan/sequence.js';
import { RESOURCES, type ResourceLimit } from '../../procfs/limits.js';
import { words } from '../../../native/structures.js';

const RLIMIT_NOFILE = 7;

/** Limits from /proc/PID/limits, which needs no privilege (prlimit64(2) on another user's process does). */
export function toRlimits(limits: readonly ResourceLimit[]): TaskRlimitsEntry {
  const known = ENTRIES.get(limits) ?? entryOf(limits);
  ENTRIES.set(limits, known);
  return known;
}

/** Entries of limits that several processes have: nobody changes them, so they are encoded once. */
const ENTRIES = new WeakMap<readonly ResourceLimit[], TaskRlimitsEntry>();

function entryOf(limits: readonly ResourceLimit[]): TaskRlimitsEntry {
  return Object.freeze({ rlimits: limits.map(({ soft, hard }) => ({ cur: soft, max: hard })) });
}

/** Throws `dataLoss` if there are more limits than resources, or if a soft limit exceeds its hard limit. */
export function checkRlimits(where: string, limits: TaskRlimitsEntry | undefined): void {
  const rlimits = limits?.rlimits ?? [];
  if (rlimits.length > RESOURCES.length || rlimits.some(({ cur, max }) => cur > max)) {
    badImage(`${where}: impossible resource limits`);
  }
}

/**
 * Limits that a process of the new container gets: those of the image, capped by the hard limits of the live
 * container if given, since these come from the request and never from an image.
 */
export function effectiveRlimits(
  limits: TaskRlimitsEntry | undefined,
  liveHard: readonly bigint[] | undefined,
): RlimitEntry[] {
  return (limits?.rlimits ?? []).map(({ cur, max }, resource) => {
    const most = liveHard?.[resource] ?? max;
    return { cur: cur < most ? cur : most, max: max < most ? max : most };
  });
}

/** Raises hard limits above the inherited ones; by a thread that still has privileges. */
export function planRaises(
  builder: PlanBuilder,
  limits: readonly RlimitEntry[],
  inherited: readonly ResourceLimit[],
  sequence: Sequence,
): void {
  limits.forEach(({ max }, resource) => {
    if (max <= (inherited[resource]?.hard ?? 0n)) return;
    planLimit(builder, { resource, cur: max, max }, sequence);
  });
}

/**
 * Sets the limits of a process that differ from the inherited ones, by any of its threads. The limit of open files
 * was raised before (`FilePlan.planOpen`).
 */
export function planRlimits(
  builder: PlanBuilder,
  limits: readonly RlimitEntry[],
  inherited: readonly ResourceLimit[],
  sequence: Sequence,
): void {
  limits.forEach(({ cur, max }, resource) => {
    const { soft, hard } = inherited[resource] ?? {};
    if (cur === soft && max === hard && resource !== RLIMIT_NOFILE) return;
    planLimit(builder, { resource, cur, max }, sequence);
  });
}

function planLimit(
  builder: PlanBuilder,
  limit: { resource: number; cur: bigint; max: bigint },
  sequence: Sequence,
): void {
  const range = `${String(limit.cur)} to ${String(limit.max)}`;
  const what = `set limit ${RESOURCES[limit.resource] ?? '?'} (${range})`;
  const value = builder.data(words(limit.cur, limit.max));
  sequence.syscall(what, SYS.setrlimit, [limit.resource, value]);
}
