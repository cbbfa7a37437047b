// SPDX-License-Identifier: Apache-2.0
import { SO, SOL } from '../../../../native/abi/index.js';
import { NUMBERS, SWITCHES } from './option-names.js';
import { OptionReader, type OptionRecord } from './option-reader.js';

/** Those of SOL_SOCKET that are an int and are always read. */
const PLAIN: readonly number[] = [
  ...Object.values(SWITCHES),
  ...Object.values(NUMBERS),
  ...[SO.domain, SO.type, SO.protocol, SO.sndbuf, SO.rcvbuf, SO.reuseAddr, SO.bufLock],
];

/** Sizes of those that are no int. Room for none tells the number of a filter's instructions. */
const WIDE: readonly (readonly [name: number, size: number])[] = [
  [SO.sndTimeout, 16],
  [SO.rcvTimeout, 16],
  [SO.bindToDevice, 16],
  [SO.linger, 8],
  [SO.filter, 0],
];

/**
 * IPV6_V6ONLY; TCP_ULP, with room for a name; and TCP_AO_INFO, with room for `struct tcp_ao_info_opt` (linux/tcp.h): the kernel
 * answers that only where there are keys.
 */
const OTHERS = {
  v6only: [SOL.ipv6, 26, 4],
  ulp: [SOL.tcp, 31, 16],
  ao: [SOL.tcp, 40, 48],
} as const;

/** Where a {@link GeneralOptions} has an option of SOL_SOCKET. */
const PLACE = new Map([...PLAIN, ...WIDE.map(([name]) => name)].map((name, at) => [name, at]));
const AT = { v6only: PLACE.size, ulp: PLACE.size + 1, ao: PLACE.size + 2 } as const;

const READER = new OptionReader([
  ...PLAIN.map((name) => [SOL.socket, name] as const),
  ...WIDE.map(([name, size]) => [SOL.socket, name, size] as const),
  ...Object.values(OTHERS),
]);

/** Options that are read of every socket, of whatever kind. */
export class GeneralOptions {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  readonly #record: OptionRecord;

  private constructor(record: OptionRecord) {
    this.#record = record;
    this.domain = this.int(SO.domain) ?? 0;
    this.type = this.int(SO.type) ?? 0;
    this.protocol = this.int(SO.protocol) ?? 0;
  }

  /** Those of sockets, in their order. Sockets with equal ones share an object. */
  static read(sockets: readonly number[]): GeneralOptions[] {
    const known = new Map<OptionRecord, GeneralOptions>();
    return READER.readAll(sockets).map((record) => {
      const found = known.get(record) ?? new GeneralOptions(record);
      known.set(record, found);
      return found;
    });
  }

  /** An int of SOL_SOCKET; undefined if the socket has no such option. */
  int(name: number): number | undefined {
    return this.#record.int(PLACE.get(name) ?? -1);
  }

  /** A value of SOL_SOCKET. */
  bytes(name: number): Buffer | undefined {
    return this.#record.bytes(PLACE.get(name) ?? -1);
  }

  /** Size of a value of SOL_SOCKET, or `-errno`. */
  sizeOf(name: number): number {
    return this.#record.sizeOf(PLACE.get(name) ?? -1);
  }

  /** SO_SNDTIMEO or SO_RCVTIMEO. */
  timeout(name: number): [bigint, bigint] {
    const value = this.bytes(name);
    return value?.length === 16 ? [value.readBigUInt64LE(0), value.readBigUInt64LE(8)] : [0n, 0n];
  }

  /** IPV6_V6ONLY. */
  get isV6only(): boolean {
    return this.#record.int(AT.v6only) === 1;
  }

  /** Whether a TCP socket has a protocol of its own (TCP_ULP). */
  get hasOwnProtocol(): boolean {
    return this.#record.sizeOf(AT.ulp) > 0;
  }

  /** Whether a TCP socket has keys of TCP-AO. */
  get isSigned(): boolean {
    return this.#record.sizeOf(AT.ao) >= 0;
  }
}
