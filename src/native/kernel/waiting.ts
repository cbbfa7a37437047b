// SPDX-License-Identifier: Apache-2.0
import { SCM } from '../abi/index.js';
import type { KernelView } from './learn.js';
import { readKernel, UnreadableKernel } from './memory.js';
import { MOST_IN_LIST, type KernelObjects } from './objects.js';
import { buffersOf, bytesOf } from './socket-buffers.js';

/*
 * What has arrived at ends of connections that nobody has accepted: they are sockets that no process has a descriptor of.
 */

/** A message, or a piece of a stream, and who has sent it. */
export interface UnixPiece {
  readonly payload: Buffer;
  /** In this process's own pid namespace; 0: nobody there, or nobody says. */
  readonly pid: number;
  readonly isSigned: boolean;
  readonly uid: number;
  readonly gid: number;
  /** The files that come along (SCM_RIGHTS), as {@link KernelObjects.openFiles} has them. */
  readonly files: readonly bigint[];
}

/**
 * What has arrived at the other end of a client's unix connection, which nobody has accepted.
 *
 * @param client a descriptor of this process
 * @throws UnreadableKernel
 */
export function unixQueueBehind({ objects, shift }: KernelView, client: number): UnixPiece[] {
  const { unix_sock: unix, sock } = objects.layout;
  const end = objects.pointer(objects.sockOf(client), unix.peer);
  if (end === 0n || objects.pointer(end, sock.sk_socket) !== 0n) {
    throw new UnreadableKernel('no connection that waits');
  }
  const { unix_skb_parms: at } = objects.layout;
  const numbers = new Map<bigint, number>();
  return buffersOf(objects, end).map((buffer) => {
    const { control } = buffer;
    if (control.readUInt32LE(at.consumed) !== 0) throw new UnreadableKernel('it was read already');
    const sender = control.readBigUInt64LE(at.pid);
    const pid = numbers.get(sender) ?? objects.numberOf(sender);
    numbers.set(sender, pid);
    return {
      payload: bytesOf(buffer, shift),
      ...{ pid, isSigned: sender !== 0n },
      ...{ uid: control.readUInt32LE(at.uid), gid: control.readUInt32LE(at.gid) },
      files: filesIn(objects, control.readBigUInt64LE(at.fp)),
    };
  });
}

/** What a `struct scm_fp_list` has. */
function filesIn(objects: KernelObjects, list: bigint): bigint[] {
  if (list === 0n) return [];
  const { count: countAt, fp } = objects.layout.scm_fp_list;
  const count = readKernel(list + BigInt(countAt), 2).readUInt16LE(0);
  if (count > SCM.mostRights) throw new UnreadableKernel('no files');
  return objects.pointers(list + BigInt(fp), count);
}

/** The end of a TCP connection that waits in a listening socket. */
export interface WaitingEnd {
  /** By which sock_diag(7) tells sockets apart. */
  readonly cookie: bigint;
  /** Where the kernel keeps it. */
  readonly sock: bigint;
}

/** What a listening TCP socket has not accepted yet, in its order. `listener` is a descriptor of ours. @throws UnreadableKernel */
export function acceptQueueOf({ objects }: KernelView, listener: number): WaitingEnd[] {
  const { inet_connection_sock: inet, request_sock_queue: queue, ...at } = objects.layout;
  const head = objects.sockOf(listener) + BigInt(inet.icsk_accept_queue);
  const ends: WaitingEnd[] = [];
  let request = objects.pointer(head, queue.rskq_accept_head);
  for (; request !== 0n; request = objects.pointer(request, at.request_sock.dl_next)) {
    if (ends.length >= MOST_IN_LIST) throw new UnreadableKernel('no queue');
    const sock = objects.pointer(request, at.request_sock.sk);
    ends.push({ sock, cookie: objects.pointer(sock, at.sock_common.skc_cookie) });
  }
  return ends;
}

/** What has arrived at an end of a TCP connection, in order. @throws UnreadableKernel also for urgent data */
export function tcpQueueAt({ objects, shift }: KernelView, { sock }: WaitingEnd): Buffer {
  const { tcp_sock: tcp, tcp_skb_cb } = objects.layout;
  if (readKernel(sock + BigInt(tcp.urg_data), 2).readUInt16LE(0) !== 0) {
    throw new UnreadableKernel('urgent data');
  }
  const read = readKernel(sock + BigInt(tcp.copied_seq), 4).readUInt32LE(0);
  const parts: Buffer[] = [];
  let next = read;
  for (const buffer of buffersOf(objects, sock)) {
    const bytes = bytesOf(buffer, shift);
    // What came twice is there twice; what is missing would not be there.
    const known = (next - buffer.control.readUInt32LE(tcp_skb_cb.seq)) >>> 0;
    if (known > bytes.length) throw new UnreadableKernel('a gap');
    parts.push(bytes.subarray(known));
    next = (next + bytes.length - known) >>> 0;
  }
  return Buffer.concat(parts);
}
