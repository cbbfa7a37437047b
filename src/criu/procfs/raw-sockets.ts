// SPDX-License-Identifier: Apache-2.0
import { toText, type ProcText } from '../../common/procfs/line.js';

/** A raw or ping socket that is connected. */
export interface RawPeer {
  /** Inode number of the socket. */
  readonly inode: number;
  /** The other end: words as they are in memory, one for IPv4, four for IPv6. */
  readonly words: readonly number[];
  readonly port: number;
}

const ESTABLISHED = 1;

/**
 * Parses /proc/PID/net/raw, raw6, icmp and icmp6, of which all lines but the first are sockets; returns the connected
 * ones. Source: raw_sock_seq_show (net/ipv4/raw.c), __ip6_dgram_sock_seq_show (net/ipv6/datagram.c).
 */
export function parseRawPeers(content: ProcText): readonly RawPeer[] {
  return toText(content)
    .split('\n')
    .flatMap((line) => {
      const [, , remote = '', state = '', , , , , , inode = ''] = line.trim().split(/ +/);
      const match = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(remote);
      if (!match || !/^\d+$/.test(inode) || parseInt(state, 16) !== ESTABLISHED) return [];
      const [, address = '', port = ''] = match;
      const words = (address.match(/.{8}/g) ?? []).map((word) => parseInt(word, 16));
      return [{ inode: Number(inode), words, port: parseInt(port, 16) }];
    });
}
