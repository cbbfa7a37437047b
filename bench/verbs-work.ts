// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../src/common/errors.js';
import type { PrivateContainerd } from '../test/helpers/containerd.js';
import { removeContainer, runContainer } from '../test/helpers/containers.js';
import { mvas, type ForkedClone } from '../test/helpers/mvas-command.js';
import { privateBytes } from '../test/helpers/procfs.js';
import { median } from './figures.js';
import { fill, verify } from './redis-work.js';

const CLONES = 8;

/** What a fork and a rollback of one container took. */
export interface VerbFigures {
  readonly clones: number;
  /** Of all clones together, from a snapshot. */
  readonly forkMs: number;
  readonly cloneMs: number;
  readonly clonePrivateBytes: number;
  readonly rollbackMs: number;
  /** For how long nothing of the container ran. */
  readonly standstillMs: number;
}

/** Fills a redis, takes a snapshot, forks it into eight, and puts it back after it has lost its keys. */
export async function measureVerbs(
  containerd: PrivateContainerd,
  run: { readonly image: string; readonly runtime: string },
  mib: number,
): Promise<VerbFigures> {
  const id = containerd.uniqueId('verbs');
  const pid = await runContainer(containerd, { id, ...run });
  const { keys } = await fill(pid, mib);
  const [snapshot] = await timed(containerd, 'snapshot', id);
  const options = ['--json', '--count', String(CLONES), '--name', `${id}-{n}`];
  const [forked, forkMs] = await timed(containerd, 'fork', ...options, snapshot.trim());
  const clones = JSON.parse(forked) as (ForkedClone & { readonly ms: number })[];
  const clonePrivateBytes = await privateBytes(clones.at(-1)?.pid ?? 0);
  const [answer, rollbackMs] = await timed(containerd, 'rollback', '--json', id);
  const { pid: back, standstillMs } = JSON.parse(answer) as { pid: number; standstillMs: number };
  const there = await verify({ id, pid: back, firstReplyMs: 0 }, keys);
  if (there !== keys) throw new ShimError('dataLoss', 'a redis that was put back lost keys');
  for (const one of [id, ...clones.map((clone) => clone.id)])
    await removeContainer(containerd, one);
  await timed(containerd, 'rm', snapshot.trim());
  const cloneMs = median(clones.map(({ ms }) => ms));
  return { clones: CLONES, forkMs, cloneMs, clonePrivateBytes, rollbackMs, standstillMs };
}

/** For people. */
export function verbsText(figures: VerbFigures): string {
  const { clones, forkMs, cloneMs, clonePrivateBytes, rollbackMs, standstillMs } = figures;
  const mib = (clonePrivateBytes / 1024 / 1024).toFixed(1);
  return (
    `mvas fork --count ${String(clones)} of a snapshot: ${forkMs.toFixed(0)} ms in all, ` +
    `${cloneMs.toFixed(0)} ms for one (median), with ${mib} MiB of its own\n` +
    `mvas rollback: ${rollbackMs.toFixed(0)} ms in all, of which the container stood still ` +
    `for ${standstillMs.toFixed(1)} ms\n`
  );
}

/** Runs `mvas`; resolves with its output and the milliseconds it took. */
async function timed(
  containerd: PrivateContainerd,
  ...args: readonly string[]
): Promise<readonly [string, number]> {
  const began = performance.now();
  const { code, stdout, stderr } = await mvas(containerd, ...args);
  if (code !== 0) throw new ShimError('internal', `mvas ${args.join(' ')}: ${stderr}`);
  return [stdout, performance.now() - began];
}
