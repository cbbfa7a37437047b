// SPDX-License-Identifier: Apache-2.0
import { read, readSync } from 'node:fs';
import { asHostPid, type HostPid, type NsPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { AF, SO, SOCK, SOL } from '../../native/abi/index.js';
import { call, closeFd, cString, errnoError, memfd, sendWithFds, SYS } from '../../native/sys.js';
import {
  FORK,
  HEADER,
  REPLY_SIZE,
  REQUEST,
  REQUEST_MAGIC,
  REQUEST_SIZE,
  WORK,
} from '../plan/abi.js';
import type { Plan } from '../plan/builder.js';
import { printable } from '../../common/bytes.js';
import { readThreadFile } from '../procfs/reader.js';

/** How long a holder may do nothing before it answers, if its activity is visible. */
const LOOK_S = 10;
/** How long it may take for anything; it copies some hundred GiB in that time. */
const ANSWER_LIMIT_S = 600;

/** `struct sockaddr_un` of a path. */
export function unixAddress(path: string): Uint8Array {
  const name = cString(path);
  if (name.length > 108) throw new ShimError('invalidArgument', `socket path too long: ${path}`);
  const address = Buffer.alloc(2 + name.length);
  address.writeUInt16LE(AF.unix, 0);
  address.set(name, 2);
  return address;
}

/** The state that a holder reports of itself. */
export interface HolderStatus {
  readonly pid: HostPid;
  readonly isSealed: boolean;
  readonly forks: number;
}

/** Into which namespaces a holder forks. */
export interface Fork {
  /** A new pid namespace, or that of the holder or of what it joins. */
  readonly into: 'new' | 'own';
  /** Whether there is a new user namespace, which owns the new pid namespace. */
  readonly hasNewUser?: boolean;
  /** The child's pid in its innermost pid namespace; any by default. */
  readonly pid?: NsPid | undefined;
  /** Descriptors of namespaces that are joined before, in order. */
  readonly joins?: readonly number[];
}

/** The processes of a VAS that has been forked from another one. */
export interface HeirPids {
  readonly keeper: HostPid;
  readonly holder: HostPid;
}

/** Sends requests to a holder over its control socket; see native/include/mvas_abi.h. */
export class HolderClient {
  readonly #socket: number;
  #queue: Promise<unknown> = Promise.resolve();
  /** The holder's pid, once it has reported it. */
  #pid = asHostPid(0);

  private constructor(socket: number) {
    this.#socket = socket;
  }

  /** @throws ShimError `failedPrecondition` if no holder listens there: its VAS is lost */
  static connect(path: string): HolderClient {
    const type = SOCK.seqpacket | SOCK.cloexec;
    const socket = call('make a socket', SYS.socket, AF.unix, type, 0);
    const address = unixAddress(path);
    try {
      limitWaits(socket);
      call(`connect to the holder at ${path}`, SYS.connect, socket, address, address.length);
    } catch (cause) {
      closeFd(socket);
      const message = `no holder answers at ${path}: the VAS is lost`;
      throw new ShimError('failedPrecondition', message, { cause });
    }
    return new HolderClient(socket);
  }

  async status(): Promise<HolderStatus> {
    const [pid, sealed, forks] = await this.#request(REQUEST.status, []);
    this.#pid = asHostPid(Number(pid));
    return { pid: this.#pid, isSealed: sealed !== 0n, forks: Number(forks) };
  }

  /** Moves the holder's code and stack to a free range of {@link WORK.size} bytes. */
  async move(base: bigint): Promise<void> {
    await this.#request(REQUEST.move, [base]);
  }

  /**
   * Runs a sequence of a plan in the holder. `base` is the start of its own range. Descriptors fill the first
   * slots. The plan's answers become what its operations have left there.
   *
   * @throws ShimError that says which operation failed, and how
   */
  async run(plan: Plan, base: bigint, entry: number, fds: readonly number[] = []): Promise<void> {
    const file = memfd('mvas-plan', plan.bytes);
    try {
      const args = [BigInt(plan.bytes.length), base + WORK.plan, BigInt(entry)];
      await this.#request(REQUEST.run, args, [file, ...fds], plan);
      for (const { bytes, offset } of plan.answers) readSync(file, bytes, 0, bytes.length, offset);
    } finally {
      closeFd(file);
    }
  }

  /** Makes the VAS immutable. */
  async seal(): Promise<void> {
    await this.#request(REQUEST.seal, []);
  }

  /** Forks a restorer, which gets its plan over `socket`. Returns its pid. */
  async fork(
    socket: number,
    { into, hasNewUser = false, pid: wanted, joins = [] }: Fork,
  ): Promise<HostPid> {
    const flags = (into === 'own' ? FORK.outside : 0) | (hasNewUser ? FORK.user : 0);
    const [pid] = await this.#request(
      REQUEST.fork,
      [BigInt(flags), BigInt(wanted ?? 0)],
      [socket, ...joins],
    );
    return asHostPid(Number(pid));
  }

  /**
   * Forks the holder of another VAS, with a keeper of its own. It has what this one has, and is not sealed.
   *
   * @param fds its control socket and its keeper's socket, which listen, its keeper's lifeline, the executable
   */
  async heir(fds: readonly [number, number, number, number]): Promise<HeirPids> {
    const [keeper, holder] = await this.#request(REQUEST.heir, [], fds);
    return { keeper: asHostPid(Number(keeper)), holder: asHostPid(Number(holder)) };
  }

  /** Ends the holder, and with it the VAS. */
  async drop(): Promise<void> {
    await this.#request(REQUEST.drop, []);
  }

  close(): void {
    closeFd(this.#socket);
  }

  async #request(
    op: number,
    args: readonly bigint[],
    fds: readonly number[] = [],
    plan?: Plan,
  ): Promise<readonly [bigint, bigint, bigint]> {
    const turn = this.#queue.then(async () => {
      sendWithFds(this.#socket, encodeRequest(op, args), fds);
      return this.#reply();
    });
    this.#queue = turn.catch(() => undefined);
    const reply = await turn;
    const result = reply.readBigInt64LE(0);
    const at = reply.readBigUInt64LE(8);
    if (plan && at !== 0n) throw planError('holder: ', plan, { at, result, row: 0n });
    if (result < 0n) throw errnoError(`holder: request ${String(op)}`, Number(result));
    return [reply.readBigUInt64LE(8), reply.readBigUInt64LE(16), reply.readBigUInt64LE(24)];
  }

  /** Waits for an answer as long as the holder works on it. */
  async #reply(): Promise<Buffer> {
    let before = activityOf(this.#pid);
    for (let waitedS = LOOK_S; ; waitedS += LOOK_S) {
      const reply = await this.#receive();
      if (reply) return reply;
      const now = activityOf(this.#pid);
      const isIdle = now !== undefined && now === before;
      if (isIdle || waitedS >= ANSWER_LIMIT_S) {
        const what = `the holder (pid ${String(this.#pid)} of the host) does not answer`;
        throw new ShimError('deadlineExceeded', `${what}, after ${String(waitedS)} s`);
      }
      before = now;
    }
  }

  /** One answer; undefined if none has come for a while. */
  #receive(): Promise<Buffer | undefined> {
    const reply = Buffer.alloc(REPLY_SIZE);
    return new Promise((resolve, reject) => {
      read(this.#socket, reply, 0, REPLY_SIZE, null, (error, length) => {
        if (!error && length === REPLY_SIZE) {
          resolve(reply);
          return;
        }
        if (error?.code === 'EAGAIN') {
          resolve(undefined);
          return;
        }
        const message = 'the holder died (killed, or out of memory): its VAS is lost';
        reject(new ShimError('resourceExhausted', message, { cause: error ?? undefined }));
      });
    });
  }
}

/** Changes whenever a process gets its turn on a processor; undefined if that is not visible. */
function activityOf(pid: HostPid): string | undefined {
  try {
    return pid === 0 ? undefined : readThreadFile(pid, pid, 'schedstat');
  } catch {
    return undefined; // It has ended, or this kernel does not count.
  }
}

/** A stopped peer, or one that waits in the kernel, must be distinguished from one that answers. */
export function limitWaits(socket: number): void {
  const limit = new Uint8Array(BigInt64Array.of(BigInt(LOOK_S), 0n).buffer);
  for (const option of [SO.rcvTimeout, SO.sndTimeout]) {
    const args = [socket, SOL.socket, option, limit, limit.length] as const;
    call('limit waits on a socket', SYS.setsockopt, ...args);
  }
}

/** A `struct mvas_request`. */
export function encodeRequest(op: number, args: readonly bigint[]): Uint8Array {
  const request = Buffer.alloc(REQUEST_SIZE);
  request.writeUInt32LE(REQUEST_MAGIC, 0);
  request.writeUInt32LE(op, 4);
  args.forEach((argument, index) => request.writeBigUInt64LE(argument, 8 + index * 8));
  return request;
}

/** Which operation of a plan failed (0n: none), and its result. */
export interface PlanFailure {
  readonly at: bigint;
  readonly result: bigint;
  /** Offset of the row that it was done for; 0n: none. */
  readonly row: bigint;
}

/** The failure in a plan's header. */
export function readFailure(header: Buffer): PlanFailure {
  return {
    at: header.readBigUInt64LE(HEADER.failed),
    result: header.readBigInt64LE(HEADER.failedResult),
    row: header.readBigUInt64LE(HEADER.failedRow),
  };
}

/** The error of a failed plan; `who` precedes its words. */
export function planError(who: string, plan: Plan, { at, result, row }: PlanFailure): ShimError {
  const words = plan.explain(at, result, row);
  if (words === undefined) {
    return errnoError(printable(`${who}${plan.describe(at, row)}`), Number(result));
  }
  return new ShimError('failedPrecondition', printable(`${who}${words}`));
}
