// SPDX-License-Identifier: Apache-2.0
import { AF } from '../abi/index.js';
import type { KeyLayout } from './layout.js';
import type { KernelView } from './learn.js';
import { readKernel, UnreadableKernel } from './memory.js';
import { MOST_IN_LIST } from './objects.js';

/** TCP_MD5SIG_MAXKEYLEN (linux/tcp.h), and what an address takes. */
const LONGEST_KEY = 80;
const ADDRESS = 16;
/** TCP_MD5SIG_FLAG_IFINDEX. */
const FLAG_IFINDEX = 2;

/** A key for signatures of a TCP socket (`struct tcp_md5sig_key`). */
export interface SocketKey {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** How many bits of the address count. */
  readonly prefix: number;
  readonly key: Uint8Array;
  /** Whether it is for peers in one VRF, or in none (TCP_MD5SIG_FLAG_IFINDEX). */
  readonly isOfDevice: boolean;
}

/**
 * The keys for signatures of a TCP socket, the newest first; undefined if this kernel does not let us know.
 *
 * @param own a descriptor of this process
 * @throws UnreadableKernel
 */
export function tcpKeysOf({ objects, keys }: KernelView, own: number): SocketKey[] | undefined {
  if (!keys) return undefined;
  const { tcp_sock, tcp_md5sig_info: info, tcp_md5sig_key: at } = keys;
  const list = objects.pointer(objects.sockOf(own), tcp_sock.md5sig_info);
  const found: SocketKey[] = [];
  let next = list === 0n ? 0n : objects.pointer(list, info.head);
  for (; next !== 0n; next = objects.pointer(next, 0)) {
    if (found.length >= MOST_IN_LIST) throw new UnreadableKernel('no list of keys');
    found.push(keyAt(next - BigInt(at.node), at));
  }
  return found;
}

function keyAt(address: bigint, at: KeyLayout['tcp_md5sig_key']): SocketKey {
  const bytes = readKernel(address, Math.max(at.addr + ADDRESS, at.key + LONGEST_KEY));
  const length = bytes.readUInt8(at.keylen);
  if (length > LONGEST_KEY) throw new UnreadableKernel('no key');
  const size = bytes.readUInt8(at.family) === AF.inet ? 4 : ADDRESS;
  return {
    address: Uint8Array.from(bytes.subarray(at.addr, at.addr + size)),
    prefix: bytes.readUInt8(at.prefixlen),
    key: Uint8Array.from(bytes.subarray(at.key, at.key + length)),
    isOfDevice: (bytes.readUInt8(at.flags) & FLAG_IFINDEX) !== 0,
  };
}
