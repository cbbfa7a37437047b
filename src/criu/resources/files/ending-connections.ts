// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import type { TcpMode } from '../../constants.js';
import type { InetSkEntry } from '../../image/types.js';
import type { Valid } from '../../image/validate.js';
import type { FilesImage } from './files-image.js';
import { isConnection, isKept } from './kinds/inet/protocols.js';
import { describeAddress } from './sockets/inet-address.js';

type ConnectionsImage = Pick<FilesImage, 'files' | 'tcpStreams'>;

/**
 * Counts the ends of connections that a restore ends: all those to the outside, and those within the container that are
 * `severed` (see `findSevered`).
 *
 * @throws ShimError `failedPrecondition` where that is not wanted
 */
export function judgeEnding(
  image: Valid<ConnectionsImage>,
  severed: ReadonlySet<number>,
  mode: TcpMode,
): number {
  const isEnding = (socket: InetSkEntry): boolean =>
    isConnection(socket) && (severed.has(socket.id) || !isKept(image, socket));
  const all = image.files.flatMap(({ isk }) => isk ?? []);
  const sockets = all.filter(isEnding);
  const listener = all.find(({ mvas_waiting_outside: waiting = 0 }) => waiting > 0);
  const first = sockets[0] ?? listener;
  const count = sockets.length + sumOf(all);
  if (first === undefined || mode === 'close') return count;
  const others = count > 1 ? `, and ${String(count - 1)} more` : '';
  const what = `its TCP connection ${first === listener ? waiting(first) : ends(first)}${others}`;
  const reason = mode === 'keep' ? 'cannot be kept yet (tcp=keep)' : 'would end (tcp=refuse)';
  throw new ShimError('failedPrecondition', `${what} ${reason}; remedy: restore it with tcp=close`);
}

/** Connections from outside that wait to be accepted. */
function sumOf(sockets: readonly InetSkEntry[]): number {
  return sockets.reduce((sum, { mvas_waiting_outside: count = 0 }) => sum + count, 0);
}

function waiting({ src_addr, src_port }: InetSkEntry): string {
  return `to ${describeAddress({ words: src_addr, port: src_port })}, which waits to be accepted,`;
}

function ends({ src_addr, src_port, dst_addr, dst_port }: InetSkEntry): string {
  const from = describeAddress({ words: src_addr, port: src_port });
  if (dst_port === 0) return `from ${from}`;
  return `from ${from} to ${describeAddress({ words: dst_addr, port: dst_port })}`;
}
