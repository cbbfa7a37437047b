// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../../../common/ids.js';
import { AF, O, SOCK, SOL } from '../../../../../native/abi/index.js';
import { syscall } from '../../../../../native/index.js';
import { call, closeFd, SYS } from '../../../../../native/sys.js';
import type { InetSkEntry } from '../../../../image/types.js';
import { inNamespaceOf } from '../../../in-namespace.js';
import { readThreadFile } from '../../../../procfs/reader.js';
import type { FilesImage } from '../../files-image.js';
import {
  destinationOf,
  socketAddress,
  sourceOf,
  type InetAddress,
} from '../../sockets/inet-address.js';
import { setNow } from '../../sockets/set-now.js';
import { REPAIR } from '../../sockets/tcp-repair-options.js';
import { IPPROTO, IPV6_V6ONLY, isKept, peerOf } from './protocols.js';

/**
 * Both ends, by file id, of those connections within a container which the network namespace of a process cannot have:
 * it lacks an address, or has the same connection already. Each end is made and dropped, in repair mode, which sends
 * nothing. Sockets that are `held` are there already.
 */
export function findSevered(
  image: Pick<FilesImage, 'files' | 'tcpStreams'>,
  pid: HostPid,
  held: Pick<ReadonlyMap<number, number>, 'has'> = new Map(),
): ReadonlySet<number> {
  const found = new Set<number>();
  const ends: InetSkEntry[] = [];
  for (const { isk } of image.files) {
    if (isk && isKept(image, isk) && !held.has(isk.id)) ends.push(isk);
  }
  if (ends.length === 0) return found;
  const answers = new Answers(hasNoConnections(pid));
  inNamespaceOf(pid, 'net', () => {
    for (const end of ends) {
      if (!answers.of(end)) found.add(end.id).add(peerOf(image, end) ?? end.id);
    }
  });
  return found;
}

/** Whether no TCP socket of a network namespace listens or is connected, so that only addresses can be missing. */
function hasNoConnections(pid: HostPid): boolean {
  const lines = ['sockstat', 'sockstat6'].flatMap((name) => socketCounts(pid, name).split('\n'));
  const counts = lines.filter((line) => line.startsWith('TCP'));
  return counts.length > 0 && counts.every((line) => / inuse 0(?: orphan 0 tw 0 |$)/.test(line));
}

/** Of IPv6 there may be none. */
function socketCounts(pid: HostPid, name: string): string {
  try {
    return readThreadFile(pid, pid, `net/${name}`);
  } catch {
    return '';
  }
}

/** Whether connections can be made: where nobody has any, that depends on their addresses alone. */
class Answers {
  readonly #isEmpty: boolean;
  readonly #known = new Map<string, boolean>();
  #last: { readonly end: InetSkEntry; readonly answer: boolean } | undefined;

  constructor(isEmpty: boolean) {
    this.#isEmpty = isEmpty;
  }

  of(end: InetSkEntry): boolean {
    if (!this.#isEmpty) return canBeMade(end);
    // Most are like the one before.
    if (this.#last && hasSameAddresses(end, this.#last.end)) return this.#last.answer;
    const key = addressesOf(end);
    const answer = this.#known.get(key) ?? canBeMade(end);
    this.#known.set(key, answer);
    this.#last = { end, answer };
    return answer;
  }
}

function hasSameAddresses(one: InetSkEntry, other: InetSkEntry): boolean {
  const isHere = one.family === other.family && areSame(one.src_addr, other.src_addr);
  return isHere && areSame(one.dst_addr, other.dst_addr);
}

function areSame(one: readonly number[], other: readonly number[]): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

function addressesOf({ family, src_addr, dst_addr }: InetSkEntry): string {
  return [family, ...src_addr, ...dst_addr].join();
}

function canBeMade(end: InetSkEntry): boolean {
  const { family } = end;
  const flags = SOCK.stream | O.cloexec;
  const socket = call('make a socket', SYS.socket, family, flags, IPPROTO.tcp);
  const succeeds = (nr: number, { port, words }: InetAddress): boolean => {
    const raw = socketAddress(family, port, words);
    return syscall(nr, socket, raw, raw.length) === 0;
  };
  try {
    if (family === AF.inet6) setNow(socket, [SOL.ipv6, IPV6_V6ONLY], 0);
    setNow(socket, REPAIR, 1);
    return succeeds(SYS.bind, sourceOf(end)) && succeeds(SYS.connect, destinationOf(end));
  } finally {
    closeFd(socket);
  }
}
