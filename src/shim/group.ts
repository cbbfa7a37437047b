// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { DEFAULT_SOCKET_DIR, groupOf, socketPath } from '../common/daemon-socket.js';
import type { HostPid } from '../common/ids.js';
import { listenAt } from '../common/listen-at.js';
import { startAnswer } from './answer.js';
import type { ShimArgs } from './args.js';
import { readBootstrap } from './bootstrap.js';
import type { Bundle } from './bundle.js';
import { withDirectoryLock } from '../native/directory-lock.js';
import { isAlive } from './socket.js';

const MAX_OOM_SCORE = 1000;

/** The daemon that a container belongs to. */
export interface Group {
  /** Path of its socket. */
  readonly socket: string;
  /** What `start` prints. */
  readonly address: string;
  /** Listens on the socket, for a daemon that will be started; undefined if one is already alive. */
  readonly server: Server | undefined;
  /** Cgroup for a new daemon; empty: none of its own. */
  readonly shimCgroup: string;
}

/**
 * Finds a container's group, and creates its socket unless the group has a daemon. A caller that gets a server must
 * become, or start, the daemon.
 *
 * @param input what containerd wrote to the stdin of `start`
 */
export async function openGroup(args: ShimArgs, bundle: Bundle, input: Uint8Array): Promise<Group> {
  const bootstrap = readBootstrap(input, args.id, args.namespace);
  const { socketDir, shimCgroup, containerdVersion } = bootstrap;
  const directory = socketDir || DEFAULT_SOCKET_DIR;
  const spec = bundle.readSpec();
  const group = groupOf(spec, args.id);
  const socket = socketPath(directory, args.address, args.namespace, group);
  const address = startAnswer(socket, { args, spec, env: process.env, containerdVersion });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const server = await withDirectoryLock(directory, () => listen(socket));
  return { socket, address, server, shimCgroup };
}

/** Makes a daemon a little more likely to be killed for lack of memory than containerd, whose score it inherits. */
export function adjustOomScore(pid: HostPid): void {
  const ours = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(ours + 1, MAX_OOM_SCORE)));
}

/** Listens on a socket; undefined if a living daemon already does. Under the directory's lock. */
async function listen(path: string): Promise<Server | undefined> {
  if (existsSync(path) && (await isAlive(path))) return undefined;
  return await listenAt(path);
}
