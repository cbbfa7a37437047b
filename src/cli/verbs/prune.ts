// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { Needs } from '../../containerd/index.js';
import type { SnapshotRecord, VasEntry } from '../../criu/index.js';
import { CONTAINERD_OPTIONS, withContainerd } from '../containerd.js';
import type { CliContext } from '../context.js';
import { requireRoot } from '../root.js';
import { formatJson, printable } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Removes snapshots that are old or many. */
export const prune = defineVerb({
  name: 'prune',
  summary: 'remove old snapshots, and what is left of failed ones',
  description: `Removes snapshots whose memory is lost, and what killed commands have left of snapshots that they were
    taking, also in containerd; with --older also snapshots of that age, and with --keep all but the newest ones of each container. With
    both, a snapshot is removed if it is that old and not among the newest. Prints the ids of what it has removed.

    A snapshot stays while containers are to start from it (annotation mvas.restore) or while there are snapshots of
    clones of it. What is no snapshot of this namespace stays, too.`,
  options: {
    older: { type: 'string', value: 'AGE', help: 'snapshots of this age: 90s, 15m, 12h, 7d' },
    keep: { type: 'string', value: 'N', help: 'all but the newest N of each container' },
    'dry-run': { type: 'boolean', help: 'only print what would be removed' },
    ...CONTAINERD_OPTIONS,
    json: JSON_OPTION,
    quiet: { type: 'boolean', short: 'q', help: 'print nothing' },
  },
  examples: [
    ['mvas prune --keep 3', 'leaves three snapshots of each container'],
    ['mvas prune --older 7d --dry-run', 'shows which snapshots are a week old'],
  ],
  async run({ values }, context) {
    requireRoot(context, 'remove snapshots');
    const { json, quiet, 'dry-run': isDry } = values;
    if (json && quiet) throw new UsageError(`'--json' and '--quiet' exclude each other`);
    const limits = { olderMs: parseAge(values.older), keep: parseKeep(values.keep) };
    const { deleteDeadLeases, readDescent, needsOf } = await import('../../containerd/index.js');
    const { descent, owner } = await withContainerd(values, async (api) => {
      if (!isDry) await deleteDeadLeases(api);
      return { descent: await readDescent(api), owner: api.place.namespace };
    });
    const store = await context.openStore();
    const entries = (await store.list()).filter(({ snapshot }) => snapshot?.owner === owner);
    const old = choose(entries, limits, context.now());
    const doomed = unneeded(old, (one) => needsOf(one, descent));
    const kept = old.filter((one) => !doomed.includes(one));
    const { removeLeftovers } = await import('../../criu/index.js');
    const left: readonly string[] = await removeLeftovers(isDry);
    const { removed, failed } = isDry
      ? { removed: doomed.map(({ id }) => id), failed: [] }
      : await removeAll(context, doomed);
    const all = { removed: [...left, ...removed], needed: kept.map(({ id }) => id), failed };
    if (json) context.writeOut(formatJson(all));
    else if (!quiet) context.writeOut(all.removed.map((id) => `${id}\n`).join(''));
    for (const message of failed) context.writeError(`mvas prune: ${printable(message)}\n`);
    return failed.length === 0 ? EXIT.ok : EXIT.failed;
  },
});

/** Which snapshots are to go; undefined: that does not matter. */
interface Limits {
  readonly olderMs: number | undefined;
  readonly keep: number | undefined;
}

/** The snapshots that are lost, or beyond the limits, newest first. Pure. */
export function choose(
  entries: readonly VasEntry[],
  { olderMs, keep }: Limits,
  now: Date,
): SnapshotRecord[] {
  const newestFirst = [...entries].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  const counts = new Map<string, number>();
  const isBeyond = (containerId: string, createdAt: Date): boolean => {
    const count = (counts.get(containerId) ?? 0) + 1;
    counts.set(containerId, count);
    if (olderMs === undefined && keep === undefined) return false;
    return count > (keep ?? 0) && now.getTime() - createdAt.getTime() >= (olderMs ?? 0);
  };
  return newestFirst.flatMap(({ snapshot, state, createdAt }) => {
    if (!snapshot) return [];
    const isLost = state === 'lost' || state === 'broken';
    return isLost || isBeyond(snapshot.containerId, createdAt) ? [snapshot] : [];
  });
}

/** Those that can go together: nothing needs one of them that is not among them. Pure. */
export function unneeded(
  snapshots: readonly SnapshotRecord[],
  needsOf: (snapshot: SnapshotRecord) => Needs,
): readonly SnapshotRecord[] {
  const ids = new Set(snapshots.map(({ id }) => id));
  const fit = snapshots.filter((one) => {
    const needs = needsOf(one);
    return needs.containers.length === 0 && needs.snapshots.every(({ id }) => ids.has(id));
  });
  return fit.length === snapshots.length ? fit : unneeded(fit, needsOf);
}

async function removeAll(
  context: CliContext,
  snapshots: readonly SnapshotRecord[],
): Promise<{ readonly removed: string[]; readonly failed: string[] }> {
  const store = await context.openStore();
  const doomed = new Set(snapshots.map(({ id }) => id));
  const removed: string[] = [];
  const failed: string[] = [];
  for (const { id } of snapshots) {
    try {
      removed.push(...(await store.remove(id, { force: false, cascade: false, doomed })));
    } catch (error) {
      failed.push(ShimError.from(error).message);
    }
  }
  return { removed, failed };
}

function parseAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = UNITS[unit];
  if (ms !== undefined) return Number(count) * ms;
  throw new UsageError(`'--older ${text}': not a number with s, m, h or d`, { verb: 'prune' });
}

function parseKeep(text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,6}$/.test(text)) return text === undefined ? text : Number(text);
  throw new UsageError(`'--keep ${text}': not a number`, { verb: 'prune' });
}
