// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ShimError } from '../common/errors.js';
import type { ShimArgs } from './args.js';
import { readBootstrap } from './bootstrap.js';
import { Bundle } from './bundle.js';
import { DEFAULT_SOCKET_DIR, groupOf, isAlive, socketPath } from './socket.js';

const MAX_OOM_SCORE = 1000;
const CGROUP_ROOT = '/sys/fs/cgroup';

/**
 * `start`: makes the group's socket, starts the daemon on it, and prints its address. containerd reads
 * stdout and stderr together, so nothing else is ever written while this succeeds.
 */
export async function start(args: ShimArgs): Promise<void> {
  const bundle = new Bundle(process.cwd());
  const { socketDir, shimCgroup } = readBootstrap(readStdin(), args.id, args.namespace);
  const directory = socketDir || DEFAULT_SOCKET_DIR;
  const group = groupOf(bundle.readSpec(), args.id);
  const path = socketPath(directory, args.address, args.namespace, group);
  const address = `unix://${path}`;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const server = await listen(path);
  if (server !== undefined) {
    const pid = spawnDaemon(args, path, fdOf(server));
    adjustOomScore(pid);
    if (shimCgroup !== '') joinCgroup(pid, shimCgroup);
  }
  bundle.write(bundle.address, address);
  writeSync(1, address);
  // Not by closing the server, which would remove the socket that is now the daemon's.
  process.exit(0);
}

function readStdin(): Uint8Array {
  try {
    return readFileSync(0);
  } catch {
    return new Uint8Array(0); // Closed: no options.
  }
}

/** Listens on a socket; undefined when a living daemon already does. */
async function listen(path: string): Promise<Server | undefined> {
  const first = await tryListen(path);
  if (first !== 'inUse') return first;
  if (await isAlive(path)) return undefined;
  rmSync(path, { force: true });
  const second = await tryListen(path);
  // Another `start` of the same group was faster.
  return second === 'inUse' ? undefined : second;
}

function tryListen(path: string): Promise<Server | 'inUse'> {
  const server = createServer();
  const before = process.umask(0o177);
  return new Promise<Server | 'inUse'>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') resolve('inUse');
      else reject(new ShimError('unavailable', `listen on ${path}: ${cause.message}`, { cause }));
    });
    server.listen({ path, backlog: 512 }, () => {
      resolve(server);
    });
  }).finally(() => process.umask(before));
}

/** Node keeps a server's descriptor in its handle. */
function fdOf(server: Server): number {
  const handle = (server as unknown as { _handle?: { fd?: number } })._handle;
  if (handle?.fd === undefined) throw new ShimError('internal', 'a server without a descriptor');
  return handle.fd;
}

/** Starts the daemon: no stream of ours is its own, or containerd would wait for it for ever. */
function spawnDaemon(args: ShimArgs, socket: string, fd: number): number {
  const { namespace, id, address, publishBinary } = args;
  const flags = ['-namespace', namespace, '-id', id, '-address', address, '-socket', socket];
  const program = fileURLToPath(new URL('./main.js', import.meta.url));
  const child = spawn(
    process.execPath,
    [
      ...DAEMON_NODE_FLAGS,
      program,
      ...flags,
      '-publish-binary',
      publishBinary,
      ...(args.debug ? ['-debug'] : []),
    ],
    { detached: true, stdio: ['ignore', 'ignore', 'ignore', fd], argv0: 'containerd-shim-mvas-v1' },
  );
  if (child.pid === undefined) throw new ShimError('unavailable', 'start the daemon: no process');
  child.unref();
  return child.pid;
}

const DAEMON_NODE_FLAGS = ['--no-warnings'];

/** Makes the daemon a little more welcome to the OOM killer than containerd, whose score we have. */
function adjustOomScore(pid: number): void {
  const ours = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(ours + 1, MAX_OOM_SCORE)));
}

/** Moves the daemon into a cgroup, in every hierarchy that has controllers of its own. */
function joinCgroup(pid: number, cgroup: string): void {
  const isUnified = existsSync(join(CGROUP_ROOT, 'cgroup.controllers'));
  const roots = isUnified
    ? [CGROUP_ROOT]
    : readdirSync(CGROUP_ROOT).map((name) => join(CGROUP_ROOT, name));
  for (const root of roots) {
    const directory = join(root, cgroup);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'cgroup.procs'), String(pid));
  }
}
