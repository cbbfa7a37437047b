// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ShimArgs } from './args.js';
import { Bundle } from './bundle.js';
import { encode } from './proto/codec.js';
import { DeleteResponse } from './proto/task.js';
import { timestamp } from './proto/types.js';
import { readRuncSettings } from './runc/settings.js';
import { isAlive, socketOf } from './socket.js';

const KILLED = 128 + 9;

/**
 * `delete`: removes what a daemon has left of a container, and answers with a DeleteResponse on stdout.
 * Runs after every task, mostly to find nothing; therefore it loads what it needs only when it needs it.
 */
export async function deleteLeftovers(args: ShimArgs): Promise<void> {
  const bundle = new Bundle(args.bundle === '' ? process.cwd() : args.bundle);
  await deleteContainer(bundle, args);
  await unmountRootfs(bundle);
  await removeDeadSocket(bundle);
  const response = { pid: pidOf(bundle), exitStatus: KILLED, exitedAt: timestamp(new Date()) };
  writeSync(1, encode(DeleteResponse, response));
}

async function deleteContainer(bundle: Bundle, { id, namespace }: ShimArgs): Promise<void> {
  const settings = readRuncSettings(bundle.options, namespace);
  if (!existsSync(join(settings.root, id))) return;
  const { Runc } = await import('./runc/runc.js');
  await new Runc(settings, bundle.runcLog).delete(id);
}

async function unmountRootfs(bundle: Bundle): Promise<void> {
  if (!readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${bundle.rootfs}`)) return;
  const { unmountAll } = await import('./mount/rootfs.js');
  unmountAll(bundle.rootfs);
}

/** The socket of a daemon that was killed stays behind; that of a living group must not be touched. */
async function removeDeadSocket(bundle: Bundle): Promise<void> {
  const path = socketOf(read(bundle.address));
  if (path === '' || !existsSync(path) || (await isAlive(path))) return;
  const { withDirectoryLock } = await import('./directory-lock.js');
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
