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

/** Reads a `struct sockaddr_in` or `sockaddr_in6` that begins at an int. */
export function parseAddressAt(ints: Int32Array, at: number): InetAddress {
  const word = (index: number): number => (ints[at + index] ?? 0) >>> 0;
  const head = word(0); // The family, then the port in network order.
  const port = ((head >>> 8) & 0xff00) | (head >>> 24);
  if ((head & 0xffff) === AF.inet) return { port, words: [word(1)], scope: 0 };
  return { port, words: [word(2), word(3), word(4), word(5)], scope: word(6) };
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
export function socketAddress(family: number, port: number, words: readonly number[]): Buffer {
  const raw = new Uint32Array(ADDRESS_SIZE[family === AF.inet ? AF.inet : AF.inet6] / 4);
  writeAddress(raw, 0, { family, port, words });
  return Buffer.from(raw.buffer);
}

/** The same, from a word on into others. */
export function writeAddress(
  raw: Uint32Array,
  at: number,
  { family, port, words }: { readonly family: number } & Pick<InetAddress, 'port' | 'words'>,
): void {
  const inOrder = ((port & 255) << 8) | ((port >>> 8) & 255);
  raw[at] = family | (inOrder << 16);
  const [start, count] = family === AF.inet ? [1, 1] : [2, 4];
  for (let index = 0; index < count; index++) raw[at + start + index] = words[index] ?? 0;
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

/** Whether two addresses are the same, be it that one is of IPv6 and stands for one of IPv4. */
export function isSameAddress(one: readonly number[], other: readonly number[]): boolean {
  if (one.length !== other.length) return plainWords(one).join() === plainWords(other).join();
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

function plainWords(words: readonly number[]): readonly number[] {
  return isMapped(words) ? words.slice(3) : words;
}

/** Identifies an address, see {@link pairKey}. */
export function addressKey({ port, words }: InetAddress): string {
  return `${plainWords(words).join()}:${String(port)}`;
}
