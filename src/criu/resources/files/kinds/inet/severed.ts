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
  const ends = image.files.flatMap(({ isk }) =>
    isk && isKept(image, isk) && !held.has(isk.id) ? [isk] : [],
  );
  if (ends.length === 0) return found;
  const answers = new Map<string, boolean>();
  const isEmpty = hasNoConnections(pid);
  inNamespaceOf(pid, 'net', () => {
    for (const end of ends) {
      const key = isEmpty ? addressesOf(end) : String(end.id);
      const answer = answers.get(key) ?? canBeMade(end);
      answers.set(key, answer);
      if (!answer) found.add(end.id).add(peerOf(image, end) ?? end.id);
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
