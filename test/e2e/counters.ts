// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { vasRoot } from '../helpers/containerd-cleanup.js';
import { runContainer, type RunRequest } from '../helpers/containers.js';
import { mvas } from '../helpers/mvas-command.js';
import { leftAtLast, until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon } from './context.js';

/** Runs a counter; resolves with its id and the pid of its init. */
export async function begin(t: ExecutionContext, request: Partial<RunRequest> = {}) {
  t.timeout(120_000);
  const id = containerId(t, 'source');
  const pid = await runContainer(daemon(), { id, image: COUNTER.image, ...request });
  await COUNTER.observe(pid);
  return { id, pid };
}

/** Runs `mvas`, which has to succeed; resolves with its output. */
export async function succeed(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await mvas(daemon(), ...args);
  t.is(code, 0, stderr);
  return stdout.trim();
}

/** Runs `mvas`, which has to fail; resolves with its error. */
export async function failure(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await mvas(daemon(), ...args);
  t.not(code, 0);
  t.is(stdout, '');
  return stderr;
}

/** Asserts that a container counts on in the same life as another one. */
export async function assertAlive(t: ExecutionContext, pid: number, birth: string): Promise<void> {
  const first = await COUNTER.observe(pid);
  t.is(first.birth, birth);
  await until('the counter to go on', async () => {
    const { progress } = await COUNTER.observe(pid);
    return (progress['count'] ?? 0) > (first.progress['count'] ?? 0);
  });
}

/** Asserts that the counter's file and its memory are of the same moment: no line is missing, and none is double. */
export function assertInStep(t: ExecutionContext, pid: number): void {
  const lines = readFileSync(`/proc/${String(pid)}/root/state`, 'utf8')
    .trimEnd()
    .split('\n');
  const counts = lines.map((line) => Number(line.split(' ')[1]));
  t.deepEqual(
    counts,
    counts.map((_, index) => index + 1),
  );
}

/**
 * Asserts that nothing stays of a failed command: VASes, what was to become one, files and leases of containerd. What a shim does for
 * it may end later.
 */
export async function assertNothingLeft(t: ExecutionContext): Promise<void> {
  const left = await leftAtLast(async () => {
    await daemon().collect();
    return [
      ...(await succeed(t, 'ls', '--quiet')).split('\n').filter(Boolean),
      ...begunVases(),
      ...((await daemon().ctr(['snapshots', 'ls'])).match(/^mvas-\S+/gm) ?? []),
      ...((await daemon().ctr(['leases', 'ls'])).match(/^mvas-\S+/gm) ?? []),
    ];
  });
  t.deepEqual(left, []);
}

/** Directories that are to become VASes. */
function begunVases(): string[] {
  const root = vasRoot(daemon());
  const names = existsSync(root) ? readdirSync(root) : [];
  return names.filter((name) => name.startsWith('.new-'));
}

/** The group of the daemon that a clone shares with later ones; empty if it shares none so. */
export async function groupLabel(id: string): Promise<string> {
  const { Labels } = JSON.parse(await daemon().ctr(['containers', 'info', id])) as {
    Labels: Record<string, string>;
  };
  return Labels['mvas.daemon'] ?? '';
}
