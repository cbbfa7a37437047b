// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import { AF, SOCK, SOL } from '../../../../native/abi/index.js';
import {
  learnKernel,
  tcpKeysOf,
  UnreadableKernel,
  type SocketKey,
} from '../../../../native/kernel/index.js';
import type { InetSkEntry, MvasTcpKey } from '../../../image/types.js';
import type { Descriptor } from '../../../plan/row.js';
import type { DumpContext } from '../dump-context.js';
import type { OpenFile } from '../open-file.js';
import type { Stage } from '../stage.js';
import { ADDRESS_SIZE, isMapped, writeAddress, type InetAddress } from './inet-address.js';
import { setRaw } from './plan-options.js';
import { listKeyedSockets, type KeyedState } from './sock-diag.js';
import { SocketTable } from './socket-table.js';

/** TCP_MD5SIG_EXT, and the size and members of `struct tcp_md5sig` (linux/tcp.h). */
const OPTION = [SOL.tcp, 32] as const;
const REQUEST = { size: 216, flags: 128, prefix: 129, length: 130, key: 136 } as const;
const FLAG_PREFIX = 1;
/** TCP_MD5SIG_MAXKEYLEN. */
const LONGEST_KEY = 80;
const IPPROTO_TCP = 6;
const BITS = 8;

/** What the kernel tells of the keys that TCP sockets sign their segments by (RFC 2385, and RFC 5925 as far as there are any). */
export class TcpKeys {
  readonly #context: DumpContext;
  readonly #lists = new Map<KeyedState, ReadonlyMap<number, MvasTcpKey[]>>();

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** The keys of a socket, the newest first; a text if it has some that cannot be restored. */
  of(file: Pick<OpenFile, 'own' | 'stat'>, state: KeyedState | 'neither'): MvasTcpKey[] | string {
    if (this.#context.shared(SocketTable).general(file).isSigned) return 'keys (TCP_AO_ADD_KEY)';
    const listed = state === 'neither' ? undefined : this.#listed(state, file.stat);
    if (listed?.length === 0) return listed;
    const known = readKeys(file.own);
    if (known?.some(({ isOfDevice }) => isOfDevice))
      return 'a key for a VRF (TCP_MD5SIG_FLAG_IFINDEX)';
    if (known) return known.map(({ address, prefix, key }) => ({ address, prefix, key }));
    // Of those that neither listen nor are connected nobody else tells.
    return (
      listed ?? (state === 'neither' ? [] : 'keys, or beside others with too many (TCP_MD5SIG),')
    );
  }

  #listed(state: KeyedState, { ino }: OpenFile['stat']): MvasTcpKey[] | undefined {
    const list = this.#lists.get(state) ?? listKeyedSockets(this.#context.init.pid, state);
    this.#lists.set(state, list);
    return list.get(Number(ino & 0xffffffffn));
  }
}

/** What the kernel's memory says, which tells more than sock_diag. */
function readKeys(own: number): SocketKey[] | undefined {
  try {
    const kernel = learnKernel(() => true);
    return kernel && tcpKeysOf(kernel, own);
  } catch (error) {
    if (error instanceof UnreadableKernel) return undefined;
    throw error;
  }
}

/** The key by which a socket with these keys speaks with a peer (tcp_md5_do_lookup, net/ipv4/tcp_ipv4.c). Pure. */
export function keyFor(keys: readonly MvasTcpKey[], peer: InetAddress): MvasTcpKey | undefined {
  const words = isMapped(peer.words) ? peer.words.slice(3) : peer.words;
  const bytes = new Uint8Array(Uint32Array.from(words).buffer);
  return keys
    .filter(
      ({ address, prefix }) => address.length === bytes.length && agree(address, bytes, prefix),
    )
    .reduce<MvasTcpKey | undefined>(
      (best, one) => (best && best.prefix >= one.prefix ? best : one),
      undefined,
    );
}

/** Whether so many first bits are the same. */
function agree(one: Uint8Array, other: Uint8Array, bits: number): boolean {
  return one.every((byte, index) => {
    const rest = Math.min(Math.max(bits - index * BITS, 0), BITS);
    return (byte ^ (other[index] ?? 0)) >>> (BITS - rest) === 0;
  });
}

/** Whether two ends of a connection sign by the same key, or neither does. */
export function isSameKey(one: MvasTcpKey | undefined, other: MvasTcpKey | undefined): boolean {
  if (!one || !other) return one === other;
  return Buffer.compare(one.key, other.key) === 0;
}

/** A socket's keys are such as it can have. Throws ShimError `dataLoss`. */
export function checkKeys(socket: InetSkEntry, what: string): void {
  const { family, type, proto, mvas_keys: keys } = socket;
  if (keys.length === 0) return;
  if (type !== SOCK.stream || proto !== IPPROTO_TCP) badImage(`${what}: it cannot have keys`);
  const known = new Set<string>();
  for (const one of keys) {
    if (!isPossible(family, one)) badImage(`${what}: an impossible key`);
    const place = `${String(one.prefix)} ${one.address.join()}`;
    if (known.has(place)) badImage(`${what}: two keys for one address`);
    known.add(place);
  }
}

function isPossible(family: number, { address, prefix, key }: MvasTcpKey): boolean {
  const isIPv4 = address.length === 4;
  const isIPv6 = address.length === 16 && family === AF.inet6 && !isMapped(wordsOf(address));
  const isLength = key.length > 0 && key.length <= LONGEST_KEY;
  return (isIPv4 || isIPv6) && prefix <= address.length * BITS && isLength;
}

/** Gives a new socket its keys: before it is connected, or listens. */
export function planKeys(
  stage: Stage,
  number: Descriptor,
  { family, mvas_keys: keys }: Pick<InetSkEntry, 'family' | 'mvas_keys'>,
): void {
  // Each is put before those that are there.
  for (const one of [...keys].reverse()) setRaw(stage, number, OPTION, requestOf(family, one));
}

/** A `struct tcp_md5sig`. */
function requestOf(family: number, { address, prefix, key }: MvasTcpKey): Buffer {
  const words = wordsOf(address);
  const isIPv4In6 = family === AF.inet6 && words.length === 1;
  const raw = new Uint32Array(ADDRESS_SIZE[family === AF.inet ? AF.inet : AF.inet6] / 4);
  writeAddress(raw, 0, {
    family,
    port: 0,
    words: isIPv4In6 ? [0, 0, 0xffff0000, ...words] : words,
  });
  const request = Buffer.alloc(REQUEST.size);
  request.set(new Uint8Array(raw.buffer));
  request.writeUInt8(FLAG_PREFIX, REQUEST.flags);
  request.writeUInt8(prefix, REQUEST.prefix);
  request.writeUInt16LE(key.length, REQUEST.length);
  request.set(key, REQUEST.key);
  return request;
}

/** An address as images have it. */
function wordsOf(address: Uint8Array): number[] {
  return [...new Uint32Array(Uint8Array.from(address).buffer)];
}
