// SPDX-License-Identifier: Apache-2.0
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { startAskedProfile } from '../common/asked-profile.js';
import type { CpuProfile } from '../common/cpu-profile.js';
import { ShimError } from '../common/errors.js';
import { enableDebugLog, logger, setLogSink } from '../common/log.js';
import { mark } from '../common/trace.js';
import { exitNow } from '../native/sys.js';
import type { ShimArgs } from './args.js';
import { Bundle } from './bundle.js';
import { DaemonLog } from './daemon-log.js';
import { Publisher } from './events/publisher.js';
import { Reaper } from './reaper.js';
import { Fillings } from './fillings.js';
import { Linger } from './linger.js';
import { acceptor } from './rpc/acceptor.js';
import { TtrpcClient } from './rpc/client.js';
import { OpenCalls } from './rpc/open-calls.js';
import { taskMethods } from './task-methods.js';
import type { Engine, Surroundings } from './task/ports.js';
import { Registry } from './task/registry.js';
import { TaskService } from './task/service.js';

const log = logger('serve');

/** `start` leaves the listening socket here. */
const SOCKET_FD = 3;
const CONNECT_TIMEOUT_MS = 5_000;
const FLUSH_MS = 2_000;
/** How often a daemon looks whether containerd has forgotten it. */
const FORGOTTEN_MS = 5_000;
/** How long a daemon that is asked to end goes on filling VASes. One that is not complete then is lost. */
const FILL_MS = 60_000;
/** How long a command may take that the daemon runs for a container. */
const SNAPSHOT_MS = 600_000;

/**
 * The daemon: assembles its parts and serves until containerd shuts it down.
 *
 * @param server the listening socket; without it, the one that `start` has left
 */
export function serve(args: ShimArgs, server = createServer().listen({ fd: SOCKET_FD })): void {
  const bundle = new Bundle(process.cwd());
  const sink = openLog(bundle, args.debug);
  guard();
  const reaper = new Reaper();
  reaper.start();
  const events = new Publisher({
    namespace: args.namespace,
    connect: () => TtrpcClient.connect(process.env['TTRPC_ADDRESS'] ?? '', CONNECT_TIMEOUT_MS),
  });
  const registry = new Registry({
    namespace: args.namespace,
    address: args.address,
    note: noteOf(args),
    exits: reaper,
    engine,
    ...answersOf(args),
    onBundle: ({ log: path }) => {
      sink.add(path);
    },
    publish: (event) => {
      events.publish(event);
    },
  });
  const profiling = startAskedProfile();
  const end = once((socket: string) => void stop({ ...args, socket }, server, events, profiling));
  const shutdown = (): void => {
    end(args.socket);
  };
  const linger = new Linger({
    socket: args.socket,
    isEmpty: () => registry.isEmpty,
    end: () => {
      end('');
    },
  });
  const leave = (): void => {
    if (registry.mayBeJoined) linger.begin();
    else shutdown();
  };
  const calls = new OpenCalls();
  const methods = calls.watch(taskMethods(new TaskService(registry, { shutdown: leave })));
  const accept = acceptor(methods);
  server.on('connection', (socket) => {
    linger.visited();
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    accept(socket);
  });
  // Without this, Node would open its inspector on a TCP port, to every user of this host.
  process.on('SIGUSR1', () => {
    logState(registry, calls);
  });
  process.on('SIGTERM', shutdown);
  process.on('SIGINT', shutdown);
  // A containerd that ends between `start` and Create removes the bundle when it is back, and asks nothing of the daemon.
  setInterval(() => {
    if (!linger.isWaiting && registry.isEmpty && !existsSync(bundle.path)) leave();
  }, FORGOTTEN_MS).unref();
  mark('serving');
  log.info('serving', { id: args.id, namespace: args.namespace, pid: process.pid });
}

/** Logs what a daemon is doing, to find out why it does not answer. Always logged. */
function logState(registry: Registry, calls: OpenCalls): void {
  for (const task of registry.describe()) log.warn('state of a task', task);
  log.warn('open calls', { calls: calls.list().join(',') });
}

/** Those of containerd. */
const connections = new Set<Socket>();

/** The VASes that this daemon still fills after it has answered. */
const fillings = new Fillings();

/** The engine, loaded at its first use: most containers never need it. */
const engine: Engine = {
  checkpoint: async (request) => {
    const result = await (await import('../criu/index.js')).checkpoint(request);
    fillings.add(result.filled);
    return result;
  },
  spareVas: async () => (await import('../criu/index.js')).SpareVas.begin(),
  series: async (containerId) => new (await import('../criu/index.js')).Series(containerId),
  beginRestore: async (request) => (await import('../criu/index.js')).beginRestore(request),
  copyTree: async (places) => (await import('../criu/index.js')).copyTree(places),
  addLayer: async (places) => (await import('../criu/index.js')).addLayer(places),
  runMvas: async (words, signal) =>
    (await import('../criu/index.js')).runMvas(words, signal, SNAPSHOT_MS),
  findSnapshot: async (wanted, user) =>
    (await import('../criu/index.js')).findSnapshot(wanted, user),
  failsAlways: async (id) => (await import('../criu/index.js')).failsAlways(id),
  noteStart: async (id, isRestored) => {
    (await import('../criu/index.js')).noteStart(id, isRestored);
  },
};

/** As src/containerd/note.ts reads it. */
function noteOf({ address, namespace }: ShimArgs): string {
  return JSON.stringify({ place: { address, namespace } });
}

/** What containerd is asked when it matters: containerd 2 accepts the same content again; 1.6 and 1.7 do not. */
function answersOf({ address, namespace }: ShimArgs): Pick<Surroundings, 'hasContent' | 'imageOf'> {
  return {
    imageOf: async (id) => (await import('./image-of.js')).imageOf(address, namespace, id),
    hasContent: async (digest) =>
      (await import('./content-store.js')).oldContainerdHas(address, namespace, digest),
  };
}

/** Ends the daemon, after the reply that is being sent. New connections no longer find the socket. */
async function stop(
  args: ShimArgs,
  server: Server,
  events: Publisher,
  profiling: Promise<CpuProfile | undefined>,
): Promise<void> {
  log.info('shutting down', { id: args.id });
  // In this order: once nobody listens, the next daemon of the group may take the name.
  if (args.socket !== '') rmSync(args.socket, { force: true });
  server.close();
  await fillings.end(FILL_MS);
  await events.close(FLUSH_MS);
  const record = await profiling;
  setImmediate(() => {
    try {
      record?.write();
    } catch (error) {
      log.warn('the profile could not be written', { error: ShimError.from(error).message });
    }
    // containerd waits for their end, and the kernel would free our memory first.
    for (const connection of connections) connection.destroy();
    exitNow(0);
  });
}

function openLog(bundle: Bundle, debug: boolean): DaemonLog {
  if (debug) enableDebugLog();
  const sink = new DaemonLog();
  sink.add(bundle.log);
  setLogSink((line) => {
    sink.write(line);
  });
  return sink;
}

/** A bug in one container's code must not end the other containers: it is logged. */
function guard(): void {
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', { error: error.stack ?? error.message });
  });
  process.on('unhandledRejection', (reason) => {
    log.error('unhandled rejection', {
      error: reason instanceof Error ? reason.stack : String(reason),
    });
  });
}

function once<T>(work: (argument: T) => void): (argument: T) => void {
  let done = false;
  return (argument) => {
    if (done) return;
    done = true;
    work(argument);
  };
}
