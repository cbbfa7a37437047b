// SPDX-License-Identifier: Apache-2.0
import { isVasId } from '../../src/criu/vas/directory.js';
import { asVasId, type VasId } from '../../src/common/ids.js';
import { existsSync } from 'node:fs';
import { readFile, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BIN } from './paths.js';
import { findByArgument } from './procfs.js';
import { run, tryRun } from './run.js';
import { standbysOf, wordsOf } from './standbys.js';

/** What is known of a containerd whose traces are to be removed. */
export interface Traces {
  readonly directory: string;
  readonly address: string;
  readonly namespace: string;
}

const CGROUPS = '/sys/fs/cgroup';

/**
 * Removes what a stopped containerd left: shims (known by its socket in their arguments), their
 * containers (known by its namespace's cgroup), mounts, cgroups, runc state, VASes, and its files.
 */
export async function removeTraces(traces: Traces, keepFiles: boolean): Promise<void> {
  for (const { pid } of standbysOf(traces.address)) signal(pid, 'SIGTERM');
  for (const pid of await findByArgument(traces.address)) await endShim(pid);
  await killCgroups(traces.namespace);
  await unmountBelow(traces.directory);
  await rm(`/run/containerd/runc/${traces.namespace}`, { recursive: true, force: true });
  for (const id of await vasesOf(traces)) {
    await removeVas(traces, id).catch((error: unknown) => {
      process.stderr.write(`VAS ${id} stays: ${String(error)}\n`);
    });
  }
  // What has been killed may still be making a file.
  if (!keepFiles) await rm(traces.directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Where the VASes of a private containerd live. */
export function vasRoot({ directory }: Pick<Traces, 'directory'>): string {
  return join(directory, 'vas');
}

/** Ids of the VASes made by the shims of a private containerd. */
export async function vasesOf(traces: Pick<Traces, 'directory'>): Promise<VasId[]> {
  const root = vasRoot(traces);
  return existsSync(root) ? (await readdir(root)).filter(isVasId).sort().map(asVasId) : [];
}

/** Removes a VAS by `mvas rm`, even if its engine is still at work. */
export async function removeVas(traces: Pick<Traces, 'directory'>, id: string): Promise<void> {
  const env = { ...process.env, MVAS_ROOT: vasRoot(traces) };
  await run(join(BIN, 'mvas'), ['rm', '--force', '--cascade', id], { env });
}

/** Mount points at and below a directory, innermost first. */
export async function mountsBelow(directory: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map((line) => line.split(' ')[4] ?? '');
  return points
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .reverse();
}

async function unmountBelow(directory: string): Promise<void> {
  for (const point of await mountsBelow(directory)) await tryRun('umount', ['-l', point]);
}

/** Cgroup directories of a namespace in every mounted hierarchy. */
export async function cgroupsOf(namespace: string): Promise<string[]> {
  const roots = [CGROUPS, ...(await readdir(CGROUPS)).map((name) => join(CGROUPS, name))];
  return roots.map((root) => join(root, namespace)).filter((path) => existsSync(path));
}

async function killCgroups(namespace: string): Promise<void> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const groups = await cgroupsOf(namespace);
    if (groups.length === 0) return;
    for (const group of groups) await killTree(group);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function killTree(group: string): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await killTree(join(group, entry.name));
  const pids = (await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '')).split('\n');
  for (const pid of pids.filter((line) => line !== '')) signal(Number(pid));
  await tryRun('sh', [
    '-c',
    `[ ! -e "$1/freezer.state" ] || echo THAWED > "$1/freezer.state"`,
    'sh',
    group,
  ]);
  await rmdir(group).catch(() => undefined); // busy until its last process is reaped: tried again
}

/** Kills a process of a shim, and removes its socket, which a killed process leaves behind. */
async function endShim(pid: number): Promise<void> {
  const words = wordsOf(pid, 'cmdline');
  signal(pid);
  const socket = words[words.indexOf('-socket') + 1] ?? '';
  if (words.includes('-socket') && socket !== '') await rm(socket, { force: true });
}

function signal(pid: number, name: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended meanwhile
  }
}
