// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { AF } from '../../../../../native/abi/index.js';
import type { CheckedFiles } from '../../../../image/entry-kind.js';
import type { InetSkEntry } from '../../../../image/types.js';
import type { FilesImage } from '../../files-image.js';
import { IPPROTO, hasConnection, isConnection, TCP_STATE } from './protocols.js';

/** Most bytes that connections may have in their queues, all together. */
export const MAX_QUEUED_BYTES = 256 * 1024 * 1024;
const MAX_PORT = 65535;

/** Checks what an image says of a TCP connection. Throws ShimError `dataLoss`. */
export function checkConnection(
  image: Pick<FilesImage, 'tcpStreams'>,
  socket: InetSkEntry,
  what: string,
): void {
  if (!hasConnection(image, socket)) return;
  const { family, proto, src_port, dst_port } = socket;
  const isFamily = family === AF.inet || family === AF.inet6;
  if (!isFamily || proto !== IPPROTO.tcp)
    badImage(`${what}: a socket of its kind has no connection`);
  if (Math.max(src_port, dst_port) > MAX_PORT)
    badImage(`${what}: a port beyond ${String(MAX_PORT)}`);
  if (isConnection(socket)) checkEnds(socket, what);
}

function checkEnds(socket: InetSkEntry, what: string): void {
  const { family, state, src_addr, dst_addr } = socket;
  const words = family === AF.inet ? 1 : 4;
  const isStarting = state === TCP_STATE.synSent && dst_addr.length === 0;
  if (src_addr.length !== words || (dst_addr.length !== words && !isStarting)) {
    badImage(`${what}: an address that is none of its family`);
  }
  const states: readonly number[] = Object.values(TCP_STATE);
  if (!states.includes(state)) badImage(`${what}: no connection is in state ${String(state)}`);
}

/** Checks that what connections have in their queues belongs to them. Throws ShimError `dataLoss`. */
export function checkStreams(sockets: readonly InetSkEntry[], { image }: CheckedFiles): void {
  const inodes = new Set<number>();
  for (const socket of sockets) {
    if (!hasConnection(image, socket)) continue;
    if (inodes.has(socket.ino))
      badImage(`check file ${String(socket.id)}: its connection is another's`);
    inodes.add(socket.ino);
  }
  let bytes = 0;
  for (const [ino, { payload }] of image.tcpStreams) {
    const what = `check tcp-stream ${ino.toString(16)}`;
    if (!inodes.has(ino)) badImage(`${what}: no such socket`);
    bytes += payload.length;
    if (bytes > MAX_QUEUED_BYTES) badImage(`${what}: too much data in the queues of connections`);
  }
}
