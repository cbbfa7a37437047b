// SPDX-License-Identifier: Apache-2.0
import { AF } from '../../../../native/abi/index.js';
import type { InetSkEntry } from '../../../image/types.js';

/** Bytes of `struct sockaddr_in` and `struct sockaddr_in6`. */
export const ADDRESS_SIZE = { [AF.inet]: 16, [AF.inet6]: 28 } as const;
/** Third word of an IPv6 address that stands for one of IPv4 (::ffff:0:0/96). */
const MAPPED = 0xffff0000;

/** An address as CRIU's images have it: words in network order, one for IPv4, four for IPv6. */
export interface InetAddress {
  readonly port: number;
  readonly words: readonly number[];
  /** Interface of a link-local address, or 0. */
  readonly scope: number;
}

/** That of a socket without one. */
export const NO_ADDRESS: InetAddress = { port: 0, words: [], scope: 0 };

/** Reads a `struct sockaddr_in` or `sockaddr_in6`. */
export function parseAddress(raw: Buffer): InetAddress {
  const port = raw.readUInt16BE(2);
  if (raw.readUInt16LE(0) === AF.inet) return { port, words: [raw.readUInt32LE(4)], scope: 0 };
  const words = [8, 12, 16, 20].map((at) => raw.readUInt32LE(at));
  return { port, words, scope: raw.readUInt32LE(24) };
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
export function socketAddress(family: number, port: number, words: readonly number[]): Buffer {
  const raw = Buffer.alloc(ADDRESS_SIZE[family === AF.inet ? AF.inet : AF.inet6]);
  writeAddress(raw, 0, family, { port, words });
  return raw;
}

/** The same, into other bytes. */
export function writeAddress(
  raw: Buffer,
  at: number,
  family: number,
  { port, words }: Pick<InetAddress, 'port' | 'words'>,
): void {
  raw.writeUInt16LE(family, at);
  raw.writeUInt16BE(port, at + 2);
  const [start, count] = family === AF.inet ? [4, 1] : [8, 4];
  for (let i = 0; i < count; i++) raw.writeUInt32LE(words[i] ?? 0, at + start + i * 4);
}

/** Whether an IPv6 address stands for one of IPv4. */
export function isMapped([first, second, third]: readonly number[]): boolean {
  return first === 0 && second === 0 && third === MAPPED;
}

/** `127.0.0.1:80`, `[::1]:80` in full. */
export function describeAddress({ port, words }: Pick<InetAddress, 'port' | 'words'>): string {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32LE(word, index * 4));
  if (words.length === 1) return `${[...bytes].join('.')}:${String(port)}`;
  return `[${(bytes.toString('hex').match(/.{4}/g) ?? []).join(':')}]:${String(port)}`;
}

/** The address of a socket. */
export function sourceOf({ src_port: port, src_addr: words }: InetSkEntry): InetAddress {
  return { port, words, scope: 0 };
}

/** The address that a socket is connected to. */
export function destinationOf({ dst_port: port, dst_addr: words }: InetSkEntry): InetAddress {
  return { port, words, scope: 0 };
}

/** Identifies a connection by its ends. The result is the same for IPv4 and for an IPv6 socket that speaks it. */
export function pairKey(source: InetAddress, destination: InetAddress): string {
  return `${addressKey(source)} ${addressKey(destination)}`;
}

/** Identifies an address, see {@link pairKey}. */
export function addressKey({ port, words }: InetAddress): string {
  const plain = isMapped(words) ? words.slice(3) : words;
  return `${plain.join()}:${String(port)}`;
}
