// SPDX-License-Identifier: Apache-2.0
import { asNsTid } from '../../../common/ids.js';
import { AF, SOCK } from '../../../native/abi/index.js';
import type { CheckpointImage } from '../../image/checkpoint-image.js';
import type { FileEntry, InetSkEntry, SkOptsEntry, TcpStreamEntry } from '../../image/types.js';

/** So many are made, each of two sockets: what is done for one has then often been done. */
const CONNECTIONS = 25;
const IPPROTO_TCP = 6;
const ESTABLISHED = 1;
const LOOPBACK = 0x0100007f;
/** Port of the socket with id 0. */
const FIRST_PORT = 1024;
const UNREAD_BYTES = 100;

const NO_OWNER = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: asNsTid(0) };

const OPTIONS: SkOptsEntry = {
  so_sndbuf: 87040,
  so_rcvbuf: 131072,
  so_snd_tmo_sec: 0n,
  so_snd_tmo_usec: 0n,
  so_rcv_tmo_sec: 0n,
  so_rcv_tmo_usec: 0n,
  so_filter: [],
  mvas_options: [],
};

/** TCP connections within a container. */
export interface SampleConnections {
  readonly sockets: readonly FileEntry[];
  readonly tcpStreams: CheckpointImage['tcpStreams'];
}

/** Both ends of connections, with ids, and inodes, from the given id on. Data waits in every other connection. */
export function sampleConnections(first: number): SampleConnections {
  const ids = Array.from({ length: 2 * CONNECTIONS }, (_, index) => first + index);
  const sockets = ids.map((id): FileEntry => {
    return { type: 'INETSK', id, isk: connected(id, peerOf(id, first)) };
  });
  const tcpStreams = ids.map((id) => {
    const payload = new Uint8Array((id - first) % 4 === 0 ? UNREAD_BYTES : 0);
    const entry = stream(id, peerOf(id, first), payload.length);
    return [id, { entry, payload }] as const;
  });
  return { sockets, tcpStreams: new Map(tcpStreams) };
}

function peerOf(id: number, first: number): number {
  return first + ((id - first) ^ 1);
}

function stream(mvas_ino: number, mvas_peer: number, inq_len: number): TcpStreamEntry {
  const queues = { inq_len, inq_seq: 0, outq_len: 0, outq_seq: 0 };
  const agreed = { opt_mask: 7, snd_wscale: 7, mss_clamp: 32768, rcv_wscale: 7 };
  return { ...queues, ...agreed, mvas_peer, mvas_ino };
}

function connected(id: number, peer: number): InetSkEntry {
  const kind = { family: AF.inet, type: SOCK.stream, proto: IPPROTO_TCP, state: ESTABLISHED };
  const ports = { src_port: FIRST_PORT + id, dst_port: FIRST_PORT + peer };
  const ends = { ...ports, src_addr: [LOOPBACK], dst_addr: [LOOPBACK] };
  const rest = {
    flags: 2,
    backlog: 0,
    fown: NO_OWNER,
    opts: OPTIONS,
    mvas_memberships: [],
    mvas_keys: [],
  };
  return { id, ino: id, ...kind, ...ends, ...rest };
}
