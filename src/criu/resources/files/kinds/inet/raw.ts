// SPDX-License-Identifier: Apache-2.0
import { AF, SOCK, SOL } from '../../../../../native/abi/index.js';
import type { InetSkEntry } from '../../../../image/types.js';
import type { RawPeer } from '../../../../procfs/raw-sockets.js';
import { hasMulticastRouting, readRawPeers } from '../../../../procfs/reader.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import type { InetAddress } from '../../sockets/inet-address.js';
import { getOption } from '../../sockets/get-option.js';
import { IPPROTO } from './protocols.js';

const IPV6_ROUTER_ALERT = 22;
/** fe80::/10, as the first word of an address lies in memory. */
const LINK_LOCAL = { mask: 0xc0ff, value: 0x80fe } as const;

/** Those of raw and ping sockets. */
const LISTED: readonly number[] = [IPPROTO.raw, IPPROTO.icmp, IPPROTO.icmp6];

/** What is known of raw and ping sockets only by the lists of /proc. */
export class RawSockets {
  readonly #context: DumpContext;
  #peers: ReadonlyMap<number, RawPeer> | undefined;

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** The address that one is connected to: getpeername(2) returns none without a port. */
  peerOf({ stat }: OpenFile, transport: number): InetAddress | undefined {
    if (!LISTED.includes(transport)) return undefined;
    this.#peers ??= new Map(readRawPeers(this.#context.init.pid).map((one) => [one.inode, one]));
    const peer = this.#peers.get(Number(stat.ino & 0xffffffffn));
    if (!peer) return undefined;
    const [first = 0] = peer.words;
    const isScoped = peer.words.length > 1 && (first & LINK_LOCAL.mask) === LINK_LOCAL.value;
    return { port: peer.port, words: peer.words, scope: isScoped ? 1 : 0 };
  }

  /** Why a raw socket cannot be restored; undefined of any other. */
  problem(
    file: OpenFile,
    { family, type, proto }: Pick<InetSkEntry, 'family' | 'type' | 'proto'>,
  ): string | undefined {
    if (type !== SOCK.raw) return undefined;
    const alert = family === AF.inet6 && getOption(file.own, SOL.ipv6, IPV6_ROUTER_ALERT) === 1;
    if (alert) return 'a socket with IPV6_ROUTER_ALERT cannot be restored; remedy: close it';
    // Sockets of these protocols may route multicast (MRT_INIT), which no socket tells of itself.
    const routes = family === AF.inet ? proto === IPPROTO.igmp : proto === IPPROTO.icmp6;
    if (!routes || !hasMulticastRouting(this.#context.init.pid)) return undefined;
    return 'a socket that may route multicast (MRT_INIT) cannot be restored; remedy: close it';
  }
}
