// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { rmSync, writeSync } from 'node:fs';
import type { Server } from 'node:net';
import { asHostPid, type HostPid } from '../common/ids.js';
import { ShimError } from '../common/errors.js';
import { setLogSink } from '../common/log.js';
import type { ShimArgs } from './args.js';
import { Bundle } from './bundle.js';
import { daemonArguments } from './daemon-arguments.js';
import { adjustOomScore, openGroup, type Group } from './group.js';
import { joinCgroup } from './shim-cgroup.js';
import { readStdin } from './stdin.js';

const DAEMON_NODE_FLAGS = ['--no-warnings'];

/**
 * `start`: creates the group's socket, starts the daemon on it, and prints its address. containerd reads stdout and
 * stderr together, so nothing else is ever written if this succeeds.
 */
export async function start(args: ShimArgs): Promise<void> {
  setLogSink(() => undefined);
  const bundle = new Bundle(process.cwd());
  const group = await openGroup(args, bundle, readStdin());
  const pid =
    group.server === undefined ? undefined : spawnDaemon(args, group.socket, fdOf(group.server));
  try {
    if (pid !== undefined) settle(pid, group);
    bundle.write(bundle.address, group.address);
  } catch (error) {
    if (pid !== undefined) giveUp(pid, group);
    throw error;
  }
  writeSync(1, group.address);
  process.exit(0);
}

/** Puts a new daemon where it belongs. */
function settle(pid: HostPid, { shimCgroup }: Group): void {
  adjustOomScore(pid);
  if (shimCgroup !== '') joinCgroup(pid, shimCgroup);
}

/** Ends a daemon that containerd will never hear of. We would not end either while we listen. */
function giveUp(pid: HostPid, { socket, server }: Group): void {
  rmSync(socket, { force: true });
  server?.close();
  process.kill(pid, 'SIGKILL');
}

/** Node keeps a server's descriptor in its handle. */
function fdOf(server: Server): number {
  const handle = (server as unknown as { _handle?: { fd?: number } })._handle;
  if (handle?.fd === undefined) throw new ShimError('internal', 'a server without a descriptor');
  return handle.fd;
}

/** Starts the daemon, without any of our streams: otherwise containerd would wait for it forever. */
function spawnDaemon(args: ShimArgs, socket: string, fd: number): HostPid {
  const [, program = ''] = process.argv;
  const child = spawn(
    process.execPath,
    [...DAEMON_NODE_FLAGS, program, ...daemonArguments(args, socket)],
    { detached: true, stdio: ['ignore', 'ignore', 'ignore', fd], argv0: 'containerd-shim-mvas-v1' },
  );
  if (child.pid === undefined) throw new ShimError('unavailable', 'start the daemon: no process');
  child.unref();
  return asHostPid(child.pid);
}
