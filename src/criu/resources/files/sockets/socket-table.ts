// SPDX-License-Identifier: Apache-2.0
import { assertInvariant } from '../../../../common/errors.js';
import { AF, O, S_IF } from '../../../../native/abi/index.js';
import { lookAtSockets, LOOK_SIZE } from '../../../../native/index.js';
import { check } from '../../../../native/sys.js';
import type { DumpContext } from '../dump-context.js';
import type { FoundFile } from '../kind.js';
import { rememberFamily } from './family.js';
import { GeneralOptions } from './general-options.js';
import { parseAddressAt, type InetAddress } from './inet-address.js';
import { parseTcpInfo, type TcpInfo } from './tcp-info.js';

const ENOTCONN = -107;
/** Ints of a row, and where the answers begin in it (lookAtSockets). */
const FIELD = { source: 0, peer: 1, unread: 2, events: 3, info: 4 } as const;
const START = { source: 8, peer: 16, info: 24 } as const;

/** What the kernel has told of a socket of the internet. */
export class SocketLook {
  readonly #rows: Int32Array<ArrayBuffer>;
  readonly #at: number;

  constructor(rows: Int32Array<ArrayBuffer>, index: number) {
    this.#rows = rows;
    this.#at = index * LOOK_SIZE;
  }

  /** Events of poll(2), POLLRDHUP included. */
  get events(): number {
    return this.#int(FIELD.events);
  }

  /** Bytes to read, asked after TCP_INFO; 0 where the kernel does not tell. */
  get unread(): number {
    return Math.max(this.#int(FIELD.unread), 0);
  }

  /** Its address. */
  get source(): InetAddress | undefined {
    return this.#address('source');
  }

  /** The address that it is connected to. */
  get peer(): InetAddress | undefined {
    return this.#address('peer');
  }

  /** TCP_INFO; throws if there is none. */
  get info(): TcpInfo {
    check('get TCP_INFO', this.#int(FIELD.info));
    return parseTcpInfo(this.#rows, this.#at + START.info);
  }

  #address(which: 'source' | 'peer'): InetAddress | undefined {
    const result = this.#int(FIELD[which]);
    if (result === ENOTCONN) return undefined;
    check('get the address of a socket', result);
    return parseAddressAt(this.#rows, this.#at + START[which]);
  }

  #int(field: number): number {
    return this.#rows[this.#at + field] ?? 0;
  }
}

/** A socket of the container. */
type Socket = Pick<FoundFile, 'own'>;

/**
 * What the kernel tells of the sockets of a container. All those that are in descriptor tables are asked at once, the first
 * time that anything is asked about one.
 */
export class SocketTable {
  readonly #context: DumpContext;
  readonly #general = new Map<number, GeneralOptions>();
  readonly #looks = new Map<number, SocketLook>();

  constructor(context: DumpContext) {
    this.#context = context;
    this.#ask(context.open.files.filter(isSocket).map(({ own }) => own));
    for (const file of context.open.files) {
      const general = this.#general.get(file.own);
      if (general) rememberFamily(file, general.domain);
    }
  }

  /** Options that sockets of all kinds have. */
  general({ own }: Socket): GeneralOptions {
    if (!this.#general.has(own)) this.#ask([own]); // One that only queues have.
    const found = this.#general.get(own);
    assertInvariant(found !== undefined, 'a socket that was asked has options');
    return found;
  }

  /** What is known of a socket of the internet. */
  look({ own }: Socket): SocketLook {
    this.general({ own });
    return this.#looks.get(own) ?? new SocketLook(lookAtSockets(Int32Array.of(own)), 0);
  }

  /** Sockets with these options of a kind, by descriptors of ours; all that are known. */
  ofKind({ domain, type, protocol }: GeneralOptions): number[] {
    const found: number[] = [];
    for (const [own, one] of this.#general) {
      if (one.domain === domain && one.type === type && one.protocol === protocol) found.push(own);
    }
    return found;
  }

  #ask(sockets: readonly number[]): void {
    if (sockets.length === 0) return;
    const ofInternet: number[] = [];
    GeneralOptions.read(sockets).forEach((general, index) => {
      const own = sockets[index] ?? -1;
      this.#general.set(own, general);
      if (isOfInternet(general)) ofInternet.push(own);
    });
    if (ofInternet.length === 0) return;
    const rows = lookAtSockets(Int32Array.from(ofInternet));
    ofInternet.forEach((own, index) => this.#looks.set(own, new SocketLook(rows, index)));
  }
}

/** Not one that was opened by O_PATH, which cannot be asked. */
function isSocket({ stat, flags }: FoundFile): boolean {
  return (Number(stat.mode) & S_IF.mask) === S_IF.sock && (flags & O.path) === 0;
}

function isOfInternet({ domain }: GeneralOptions): boolean {
  return domain === AF.inet || domain === AF.inet6;
}
