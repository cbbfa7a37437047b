// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import type { TcpMode } from '../../constants.js';
import type { InetSkEntry } from '../../image/types.js';
import type { Valid } from '../../image/validate.js';
import type { FilesImage } from './files-image.js';
import { isConnection, peerOf } from './kinds/inet/protocols.js';
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
    isConnection(socket) && (severed.has(socket.id) || peerOf(image, socket) === undefined);
  const sockets = image.files.flatMap(({ isk }) => (isk && isEnding(isk) ? [isk] : []));
  const [first] = sockets;
  const count = sockets.length;
  if (first === undefined || mode === 'close') return count;
  const others = count > 1 ? `, and ${String(count - 1)} more` : '';
  const what = `its TCP connection ${ends(first)}${others}`;
  const reason = mode === 'keep' ? 'cannot be kept yet (tcp=keep)' : 'would end (tcp=refuse)';
  throw new ShimError('failedPrecondition', `${what} ${reason}; remedy: restore it with tcp=close`);
}

function ends({ src_addr, src_port, dst_addr, dst_port }: InetSkEntry): string {
  const from = describeAddress({ words: src_addr, port: src_port });
  if (dst_port === 0) return `from ${from}`;
  return `from ${from} to ${describeAddress({ words: dst_addr, port: dst_port })}`;
}
