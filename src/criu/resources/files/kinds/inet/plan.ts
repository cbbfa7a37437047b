// SPDX-License-Identifier: Apache-2.0
import { AF, O, SO, SOCK, SOCKET_STATE, SOL } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { InetSkEntry } from '../../../../image/types.js';
import type { StagedFile } from '../../kind.js';
import type { PlanContext } from '../../plan-context.js';
import { planFree } from '../../sockets/freebind.js';
import { socketAddress } from '../../sockets/inet-address.js';
import { planMulticast } from '../../sockets/multicast.js';
import { SHUTDOWN_HOW } from '../../sockets/shutdown.js';
import { planFilter } from '../../sockets/socket-filter.js';
import {
  planFinalSocketOptions,
  planSocketOptions,
  planUnlockBuffer,
  setOption,
} from '../../sockets/plan-options.js';
import { planKeys } from '../../sockets/tcp-keys.js';
import type { Stage } from '../../stage.js';
import { DeadConnections } from './dead-connections.js';
import { LiveConnections } from './live-connections.js';
import { hasConnection, IPV6_V6ONLY, isKept, peerOf, placeOf } from './protocols.js';

/** The longest tick of the kernel's clock (CONFIG_HZ=100). */
const TICK_NS = 10_000_000n;
/** With more than this, order within a tick is not worth the time. */
const MOST_TIMED = 64;

/** Opens all internet sockets. Connections that have ended come first: nothing gets the port of one that listens. */
export function openSockets(plan: PlanContext, sockets: readonly StagedFile<'isk'>[]): void {
  const { dead, alive, others } = divide(plan, sockets);
  const connections = plan.shared(DeadConnections);
  for (const { body, number } of dead) connections.open(body, number);
  for (const { body, number } of others) openUnconnected(plan.stage, body, number);
  openPairs(plan, alive);
  openWaiting(plan, alive);
  for (const { body, number } of dead) planFinalSocketOptions(plan.stage, number, body.opts);
  plan.shared(LiveConnections).finish();
}

type Staged = StagedFile<'isk'>[];

/** What becomes of each; those that somebody holds open are taken at once. */
function divide(
  plan: PlanContext,
  sockets: readonly StagedFile<'isk'>[],
): Readonly<Record<'dead' | 'alive' | 'others', readonly StagedFile<'isk'>[]>> {
  const { index, options } = plan;
  const [dead, alive, others] = [[], [], []] as [Staged, Staged, Staged];
  for (const socket of sockets) {
    const { body, number } = socket;
    if (options.held?.files.has(body.id) === true) takeHeld(plan, body, number);
    else if (!hasConnection(index.image, body)) others.push(socket);
    else if (isKept(index.image, body) && options.severed?.has(body.id) !== true)
      alive.push(socket);
    else dead.push(socket);
  }
  return { dead, alive, others };
}

/** The very socket that the checkpointed container had; only the flags of its descriptor are new. */
function takeHeld({ stage, options }: PlanContext, { id }: InetSkEntry, number: number): void {
  const { held } = options;
  const descriptor = held?.files.get(id);
  if (!held || descriptor === undefined) return;
  const what = `file ${String(id)}: take a socket`;
  stage.make(what, number, SYS.pidfd_getfd, [held.slot, descriptor, 0]);
}

/** Opens connections of which both ends are there. */
function openPairs(plan: PlanContext, sockets: readonly StagedFile<'isk'>[]): void {
  const connections = plan.shared(LiveConnections);
  const byId = new Map(sockets.map((one) => [one.body.id, one]));
  const pairs: (readonly [StagedFile<'isk'>, StagedFile<'isk'>])[] = [];
  for (const one of sockets) {
    const peer = peerOf(plan.index.image, one.body) ?? 0;
    const other = one.body.id < peer ? byId.get(peer) : undefined;
    if (other) pairs.push([one, other]);
  }
  connections.openPairs(pairs);
}

/**
 * Opens connections that wait to be accepted, one after the other. The next checkpoint tells their order by the kernel's
 * clock, so each begins at another tick of it.
 */
function openWaiting(plan: PlanContext, sockets: readonly StagedFile<'isk'>[]): void {
  const connections = plan.shared(LiveConnections);
  const waiting = sockets.flatMap((one) => {
    const place = placeOf(plan.index.image, one.body);
    return place ? [{ one, place }] : [];
  });
  const { builder } = plan.stage;
  for (const [index, { one }] of waiting.sort((a, b) => a.place.turn - b.place.turn).entries()) {
    if (index > 0 && waiting.length <= MOST_TIMED) {
      const pause = builder.data(new Uint8Array(BigInt64Array.of(0n, TICK_NS).buffer)); // struct timespec
      plan.stage.run('wait for the clock', SYS.nanosleep, [pause, null]);
    }
    connections.openWaiting(one);
  }
}

/** Creates the socket, and binds, connects or listens. */
function openUnconnected(stage: Stage, entry: InetSkEntry, number: number): void {
  const { family, type, proto, opts } = entry;
  const what = `file ${String(entry.id)}: socket on port ${String(entry.src_port)}`;
  const flags = (entry.flags & O.nonblock) | O.cloexec;
  stage.make(what, number, SYS.socket, [family, type | flags, proto]);
  planSocketOptions(stage, number, opts);
  planFilter(stage, number, opts); // Before anything can arrive.
  planKeys(stage, number, entry);
  if (family === AF.inet6 && type !== SOCK.raw) {
    setOption(stage, number, [SOL.ipv6, IPV6_V6ONLY], entry.v6only ? 1 : 0);
  }
  planAddresses(stage, entry, { number, what });
  planMulticast(stage, entry, number);
  if (entry.state === SOCKET_STATE.listen) {
    stage.run(`${what}: listen`, SYS.listen, [number, Math.min(entry.backlog, 0xffff)]);
  }
  const how = SHUTDOWN_HOW[entry.shutdown ?? 'NONE'];
  if (how !== undefined) {
    // Returns ENOTCONN if there is no connection, and shuts it down nevertheless (inet_shutdown,
    // net/ipv4/af_inet.c).
    stage.attempt(`${what}: shut down`, SYS.shutdown, [number, how]);
    if (type === SOCK.stream) planUnlockBuffer(stage, number, opts); // it had grown by itself
  }
  planFinalSocketOptions(stage, number, opts);
}

/**
 * Binds and connects a socket. The container was permitted to do so, whatever its options say now; so what they
 * forbid is permitted for the moment.
 */
function planAddresses(
  stage: Stage,
  entry: InetSkEntry,
  { number, what }: { readonly number: number; readonly what: string },
): void {
  const { family, opts } = entry;
  const at = (verb: string, nr: number, port: number, words: readonly number[]): void => {
    const raw = socketAddress(family, port, words);
    stage.run(`${what}: ${verb}`, nr, [number, stage.builder.data(raw), raw.length]);
  };
  // The port of a raw socket is its protocol.
  const hasPort = entry.src_port !== 0 && entry.type !== SOCK.raw;
  if (hasPort || entry.src_addr.some((word) => word !== 0)) {
    const bind = (): void => {
      at('bind', SYS.bind, entry.src_port, entry.src_addr);
    };
    if (entry.mvas_nonlocal) planFree(stage, number, entry, bind);
    else bind();
  }
  if (entry.state === SOCKET_STATE.established && entry.type !== SOCK.stream) {
    setOption(stage, number, [SOL.socket, SO.broadcast], 1);
    at('connect', SYS.connect, entry.dst_port, entry.dst_addr);
    if (!opts.so_broadcast) setOption(stage, number, [SOL.socket, SO.broadcast], 0);
  }
}
