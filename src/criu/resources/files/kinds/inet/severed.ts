// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../../../common/ids.js';
import { AF, O, SOCK, SOL } from '../../../../../native/abi/index.js';
import { syscall } from '../../../../../native/index.js';
import { call, closeFd, SYS } from '../../../../../native/sys.js';
import type { InetSkEntry } from '../../../../image/types.js';
import { inNamespaceOf } from '../../../in-namespace.js';
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
  inNamespaceOf(pid, 'net', () => {
    for (const end of ends)
      if (!canBeMade(end)) found.add(end.id).add(peerOf(image, end) ?? end.id);
  });
  return found;
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
