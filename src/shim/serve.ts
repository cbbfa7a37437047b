// SPDX-License-Identifier: Apache-2.0
import { constants, openSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { startAskedProfile } from '../common/asked-profile.js';
import type { CpuProfile } from '../common/cpu-profile.js';
import { ShimError } from '../common/errors.js';
import { enableDebugLog, logger, setLogSink } from '../common/log.js';
import { mark } from '../common/trace.js';
import { exitNow } from '../native/sys.js';
import type { ShimArgs } from './args.js';
import { Bundle } from './bundle.js';
import { Publisher } from './events/publisher.js';
import { Reaper } from './reaper.js';
import { Fillings } from './fillings.js';
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
/** How long a daemon that is asked to end goes on filling VASes. One that is not complete then is lost. */
const FILL_MS = 60_000;

/**
 * The daemon: assembles its parts and serves until containerd shuts it down.
 *
 * @param server the listening socket; without it, the one that `start` has left
 */
export function serve(args: ShimArgs, server = createServer().listen({ fd: SOCKET_FD })): void {
  openLog(new Bundle(process.cwd()), args.debug);
  guard();
  const reaper = new Reaper();
  reaper.start();
  const events = new Publisher({
    namespace: args.namespace,
    connect: () => TtrpcClient.connect(process.env['TTRPC_ADDRESS'] ?? '', CONNECT_TIMEOUT_MS),
  });
  const registry = new Registry({
    namespace: args.namespace,
    exits: reaper,
    engine,
    ...contentOf(args),
    publish: (event) => {
      events.publish(event);
    },
  });
  const profiling = startAskedProfile();
  const shutdown = once(() => void stop(args, server, events, profiling));
  const calls = new OpenCalls();
  const methods = calls.watch(taskMethods(new TaskService(registry, { shutdown })));
  server.on('connection', acceptor(methods));
  // Without this, Node would open its inspector on a TCP port, to every user of this host.
  process.on('SIGUSR1', () => {
    logState(registry, calls);
  });
  process.on('SIGTERM', shutdown);
  process.on('SIGINT', shutdown);
  mark('serving');
  log.info('serving', { id: args.id, namespace: args.namespace, pid: process.pid });
}

/** Logs what a daemon is doing, to find out why it does not answer. Always logged. */
function logState(registry: Registry, calls: OpenCalls): void {
  for (const task of registry.describe()) log.warn('state of a task', task);
  log.warn('open calls', { calls: calls.list().join(',') });
}

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
  beginRestore: async (request) => (await import('../criu/index.js')).beginRestore(request),
  copyTree: async (places) => (await import('../criu/index.js')).copyTree(places),
  findSnapshot: async (wanted, owner) =>
    (await import('../criu/index.js')).findSnapshot(wanted, owner),
};

/** containerd 2 accepts the same content again; 1.6 and 1.7 do not. */
function contentOf({ address, namespace }: ShimArgs): Pick<Surroundings, 'hasContent'> {
  return {
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
    exitNow(0);
  });
}

/** Sends log lines to the bundle's FIFO, which containerd copies to its own log. */
function openLog(bundle: Bundle, debug: boolean): void {
  if (debug) enableDebugLog();
  const fd = openFifo(bundle.log);
  setLogSink((line) => {
    try {
      if (fd !== undefined) writeSync(fd, `${line}\n`);
    } catch {
      // Nobody reads, or the FIFO is full: containerd is away, and a log line is not worth waiting.
    }
  });
}

function openFifo(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
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

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}
