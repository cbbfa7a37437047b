// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { AF, MSG, O, SCM, SO, SOCK, SOL } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { SkPacketEntry, UnixSkEntry } from '../../../../image/types.js';
import { PlanPointer, type PlanData } from '../../../../plan/values.js';
import type { PlanContext } from '../../plan-context.js';
import { encodeControl } from '../../sockets/control-messages.js';
import {
  checkRoom,
  planFinalSocketOptions,
  planRoomyBuffer,
  planUnlockBuffer,
} from '../../sockets/plan-options.js';
import { SHUTDOWN_HOW } from '../../sockets/shutdown.js';
import { planFilter } from '../../sockets/socket-filter.js';
import type { Stage } from '../../stage.js';
import { words } from './names.js';

/** The size of pieces in which a stream's data is sent, and the extra room that the buffer needs. */
const PIECE = 32 * 1024;
const OVERHEAD = 4 * 1024 * 1024;
/** About what the kernel adds to a message. */
const MESSAGE_OVERHEAD = 1024;
/** `struct msghdr`: where its pointers are, and the sizes of what they lead to. */
const MESSAGE = {
  name: 0,
  nameSize: 8,
  vector: 16,
  vectors: 24,
  control: 32,
  controlSize: 40,
  size: 56,
};

/** A packet of the image. */
export interface QueuedPacket {
  readonly entry: SkPacketEntry;
  readonly payload: Uint8Array;
}

/** How a packet gets into its queue. */
export interface PacketRoute {
  /** The number of the socket that sends it. */
  readonly sender: number;
  /** The address that it is sent to, unless the sender is connected. */
  readonly to?: Uint8Array;
}

/** A socket that has been created, and what its queue is to hold. */
export interface FilledSocket {
  readonly entry: UnixSkEntry;
  readonly number: number;
  readonly peer: UnixSkEntry | undefined;
  /** The number of its other end, which is to be closed. */
  readonly lost: number | undefined;
  readonly packets: readonly (QueuedPacket & PacketRoute)[];
}

/**
 * Fills the queues of unix sockets, when all processes exist, since these may have sent what is in there, and all early
 * files are open, since these may be in there.
 */
export class UnixQueuePlan {
  readonly #context: PlanContext;
  readonly #sockets: FilledSocket[] = [];
  readonly #helpers: number[] = [];

  constructor(context: PlanContext) {
    this.#context = context;
  }

  /** `helpers`: numbers of sockets that are closed once everything is sent. */
  add(sockets: readonly FilledSocket[], helpers: readonly number[]): void {
    this.#sockets.push(...sockets);
    this.#helpers.push(...helpers);
  }

  /** Sends everything, in a process that has all that is staged. */
  fill(stage: Stage): void {
    for (const socket of this.#sockets) this.#planQueue(stage, socket);
    for (const socket of this.#sockets) planReset(stage, socket);
    for (const number of this.#helpers) stage.close(number);
    for (const socket of this.#sockets) planEnd(stage, socket);
  }

  #planQueue(stage: Stage, socket: FilledSocket): void {
    const { entry, packets } = socket;
    if (packets.length === 0) return;
    const total = packets.reduce((sum, { payload }) => sum + payload.length, 0);
    checkRoom(stage, words(entry), total + packets.length * MESSAGE_OVERHEAD);
    const room = Math.min(2 * total + OVERHEAD, 0x3fffffff);
    const senders = new Set(packets.map(({ sender }) => sender));
    for (const sender of senders) planRoomyBuffer(stage, sender, room);
    for (const packet of packets) this.#planPacket(stage, socket, packet);
    for (const sender of senders) {
      const owner = this.#sockets.find(({ number }) => number === sender);
      if (owner) planUnlockBuffer(stage, sender, owner.entry.opts);
    }
  }

  #planPacket(stage: Stage, socket: FilledSocket, packet: QueuedPacket & PacketRoute): void {
    const { entry, payload, sender, to } = packet;
    const control = this.#controlOf(entry);
    const withOptions = optionsFor(socket, sender, entry);
    const what = `${words(socket.entry)}: fill its queue`;
    const send = (): void => {
      if (control.length > 0 || to) sendMessage(stage, what, { sender, payload, control, to });
      else sendPlain(stage, what, { socket: socket.entry, sender, payload });
    };
    for (const { number, option, then } of withOptions) setOption(stage, number, option, then);
    send();
    for (const { number, option, then } of withOptions) setOption(stage, number, option, 1 - then);
  }

  #controlOf({
    scm,
    mvas_pid: pid = 0,
    mvas_uid: uid = 0,
    mvas_gid: gid = 0,
  }: SkPacketEntry): Uint8Array {
    const numbers = scm.flatMap(({ rights }) => rights).map((id) => this.#numberOf(id));
    const rights = numbers.length > 0 ? [encodeControl(SCM.rights, numbers)] : [];
    const credentials = pid > 0 ? [encodeControl(SCM.credentials, [pid, uid, gid])] : [];
    return Buffer.concat([...credentials, ...rights]);
  }

  #numberOf(id: number): number {
    if (this.#context.index.isName(id))
      badImage(`file ${String(id)} is passed, and is only a name`);
    return this.#context.number(id);
  }
}

/** An option that a socket has while a packet is sent; otherwise it has the other value. */
interface MomentaryOption {
  readonly number: number;
  readonly option: number;
  readonly then: 0 | 1;
}

/** Nobody is told who sends a packet while neither end asks for it, and whoever may not send descriptors could once. */
function optionsFor(
  { entry, number, peer }: FilledSocket,
  sender: number,
  { mvas_pid: pid, scm }: SkPacketEntry,
): MomentaryOption[] {
  const ends = [{ of: entry, at: number }, ...(peer ? [{ of: peer, at: sender }] : [])];
  return ends.flatMap(({ of, at }) => [
    ...(pid === 0 ? TELLING.filter((option) => hasOption(of, option)) : []).map((option) => ({
      ...{ number: at, option, then: 0 as const },
    })),
    ...(scm.length > 0 && isOff(of, SO.passRights)
      ? [{ number: at, option: SO.passRights, then: 1 as const }]
      : []),
  ]);
}

/** Options of a socket that wants to know who sends. */
const TELLING = [SO.passCred, SO.passPidfd];

function hasOption({ opts }: UnixSkEntry, option: number): boolean {
  if (option === SO.passCred) return opts.so_passcred === true;
  return valueOf(opts, option) === 1;
}

function isOff({ opts }: UnixSkEntry, option: number): boolean {
  return valueOf(opts, option) === 0;
}

function valueOf(
  { mvas_options: options }: UnixSkEntry['opts'],
  option: number,
): number | undefined {
  return options.find(({ level, name }) => level === SOL.socket && name === option)?.value[0];
}

function setOption(stage: Stage, number: number, option: number, value: number): void {
  stage.sequence.optionsOf(number).add([SOL.socket, option], [value]);
}

/** What is sent, and by which socket. */
interface Sending {
  readonly sender: number;
  readonly payload: Uint8Array;
}

function sendPlain(
  stage: Stage,
  what: string,
  { socket, sender, payload }: Sending & { readonly socket: UnixSkEntry },
): void {
  if (socket.type !== SOCK.stream) {
    sendBytes(stage, what, { sender, payload }); // An empty message is a message, too.
    return;
  }
  for (let at = 0; at < payload.length; at += PIECE) {
    sendBytes(stage, what, { sender, payload: payload.subarray(at, at + PIECE) });
  }
}

function sendBytes(stage: Stage, what: string, { sender, payload }: Sending): void {
  const data = stage.builder.data(payload, 1);
  const args = [sender, data, payload.length, MSG.dontwait, null, 0];
  stage.run(what, SYS.sendto, args, payload.length);
}

/** Sends all at once, since what comes along belongs to all of it. */
function sendMessage(
  stage: Stage,
  what: string,
  {
    sender,
    payload,
    control,
    to,
  }: Sending & { readonly control: Uint8Array; readonly to?: Uint8Array | undefined },
): void {
  const { builder, sequence } = stage;
  const header = Buffer.alloc(MESSAGE.size);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(BigInt(payload.length), 8);
  header.writeBigUInt64LE(1n, MESSAGE.vectors);
  header.writeBigUInt64LE(BigInt(control.length), MESSAGE.controlSize);
  const [message, parts] = [builder.data(header), builder.data(vector)];
  const point = (from: PlanData, at: number, bytes: PlanData): void => {
    sequence.poke(what, new PlanPointer(from, at), bytes);
  };
  point(parts, 0, builder.data(payload, 1));
  point(message, MESSAGE.vector, parts);
  if (control.length > 0) point(message, MESSAGE.control, builder.data(control));
  if (to) {
    const address = Buffer.concat([Buffer.of(AF.unix, 0), to]);
    header.writeUInt32LE(address.length, MESSAGE.nameSize);
    point(message, MESSAGE.name, builder.data(address));
  }
  stage.run(what, SYS.sendmsg, [sender, message, MSG.dontwait], payload.length);
}

/** Leaves unread data in the peer, which is closed next. */
function planReset(stage: Stage, { entry, number, lost }: FilledSocket): void {
  if (!entry.mvas_reset || lost === undefined) return;
  sendBytes(stage, `${words(entry)}: leave unread`, { sender: number, payload: Uint8Array.of(0) });
}

function planEnd(stage: Stage, { entry, number }: FilledSocket): void {
  const how = SHUTDOWN_HOW[entry.shutdown ?? 'NONE'];
  if (how !== undefined) {
    stage.attempt(`${words(entry)}: shut down`, SYS.shutdown, [number, how]);
  }
  planFilter(stage, number, entry.opts); // After the queue, which came through it.
  planFinalSocketOptions(stage, number, entry.opts);
  if (entry.flags & O.nonblock) {
    stage.run(`${words(entry)}: flags`, SYS.fcntl, [number, 4, O.nonblock]);
  }
}
