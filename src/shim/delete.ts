// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ShimError } from '../common/errors.js';
import { mountsBelow, parseMountinfo } from '../common/procfs/mountinfo.js';
import type { ShimArgs } from './args.js';
import { Bundle, donorOfRollback } from './bundle.js';
import { encode } from './proto/codec.js';
import { DeleteResponse } from '../common/messages/task.js';
import { timestamp } from './proto/values.js';
import { readRuncSettings } from './runc/settings.js';
import { isAlive, socketOf } from './socket.js';

const KILLED = 128 + 9;

/** containerd gives it 5 s in all, including its own clean-up, and the start of this process: a second on a busy machine. */
const LIMIT_MS = 4_000;
const RUNC_MS = 2_000;
const LEAST_RUNC_MS = 500;
const KILL_MS = 1_000;

/** What is left of the time; counted from the start of this process. */
function leftMs(): number {
  return Math.max(0, LIMIT_MS - performance.now());
}

/** How long runc may take, so that there is time to do without it. */
function runcMs(): number {
  return Math.min(RUNC_MS, Math.max(LEAST_RUNC_MS, leftMs() - KILL_MS));
}

/**
 * `delete`: removes what a daemon has left of a container, and answers with a DeleteResponse on stdout, whatever
 * fails on the way; errors go to stderr, which containerd logs. Runs after every task, mostly to find nothing, so
 * it loads what it needs only when it needs it.
 */
export async function deleteLeftovers(args: ShimArgs): Promise<void> {
  const bundle = new Bundle(args.bundle === '' ? process.cwd() : args.bundle);
  const late = setTimeout(() => {
    warn('delete', 'it takes too long');
    answer(bundle);
    process.exit(0);
  }, leftMs());
  await attempt('delete the container', () => deleteContainer(bundle, args));
  await attempt('unmount its root file system', () => unmountRootfs(bundle));
  await attempt('remove the socket of its daemon', () => removeDeadSocket(bundle));
  clearTimeout(late);
  answer(bundle);
}

function answer(bundle: Bundle): void {
  const response = { pid: pidOf(bundle), exitStatus: KILLED, exitedAt: timestamp(new Date()) };
  writeSync(1, encode(DeleteResponse, response));
}

/** Does one step; returns whether it succeeded. Its failure must not prevent the others. */
async function attempt(what: string, step: () => Promise<void>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    warn(what, ShimError.from(error).message);
    return false;
  }
}

function warn(what: string, why: string): void {
  process.stderr.write(`containerd-shim-mvas-v1: ${what}: ${why}\n`);
}

/** By runc; if that fails, at least kills its processes. */
async function deleteContainer(bundle: Bundle, { id, namespace }: ShimArgs): Promise<void> {
  const settings = readRuncSettings(bundle.options, namespace);
  const donorId = donorOfRollback(id);
  const [isThere, hasDonor] = [id, donorId].map((one) => existsSync(join(settings.root, one)));
  if (!isThere && !hasDonor) return;
  const { Runc } = await import('./runc/runc.js');
  const runc = new Runc(settings, bundle.runcLog);
  if (hasDonor)
    await attempt('delete the donor of a rollback', () => runc.delete(donorId, runcMs()));
  if (await attempt('delete the container by runc', () => runc.delete(id, runcMs()))) return;
  const { killLeftovers } = await import('./leftover-processes.js');
  await killLeftovers(bundle, id, KILL_MS);
}

async function unmountRootfs(bundle: Bundle): Promise<void> {
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo'));
  const roots = [bundle.rootfs, bundle.newRootfs];
  if (roots.every((root) => mountsBelow(mounts, root).length === 0)) return;
  const { unmountAll } = await import('./mount/rootfs.js');
  for (const root of roots) unmountAll(root);
}

/** The socket of a killed daemon stays behind; that of a living group must not be touched. */
async function removeDeadSocket(bundle: Bundle): Promise<void> {
  const path = socketOf(read(bundle.address));
  if (path === '' || !existsSync(path) || (await isAlive(path))) return;
  const { withDirectoryLock } = await import('../native/directory-lock.js');
  await withDirectoryLock(dirname(path), async () => {
    // Another daemon of the group may have been started meanwhile.
    if (!(await isAlive(path))) rmSync(path, { force: true });
  });
}

function pidOf(bundle: Bundle): number {
  const pid = Number(read(bundle.initPid));
  return Number.isSafeInteger(pid) && pid > 0 ? pid : 0;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // Never written: the container was not created.
  }
}
