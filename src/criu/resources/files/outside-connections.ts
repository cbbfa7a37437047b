// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import { logger } from '../../../common/log.js';
import type { TcpMode } from '../../constants.js';
import type { InetSkEntry } from '../../image/types.js';
import type { Valid } from '../../image/validate.js';
import type { FilesImage } from './files-image.js';
import { isConnection, peerOf } from './kinds/inet/protocols.js';
import { describeAddress } from './sockets/inet-address.js';

type OutsideFacts = Pick<FilesImage, 'files' | 'tcpStreams'>;

const log = logger('restore');

/**
 * Says what becomes of connections to the outside, of which a restore ends all.
 *
 * @throws ShimError `failedPrecondition` where that is not wanted
 */
export function judgeOutside(image: Valid<OutsideFacts>, mode: TcpMode): void {
  const sockets = image.files.flatMap(({ isk }) => (isk && isOutside(image, isk) ? [isk] : []));
  const [first] = sockets;
  if (first === undefined) return;
  const count = sockets.length;
  if (mode === 'close') {
    log.info('TCP connections to the outside have ended', { count });
    return;
  }
  const others = count > 1 ? `, and ${String(count - 1)} more` : '';
  const what = `its TCP connection ${ends(first)}${others}`;
  const reason = mode === 'keep' ? 'cannot be kept yet (tcp=keep)' : 'would end (tcp=refuse)';
  throw new ShimError('failedPrecondition', `${what} ${reason}; remedy: restore it with tcp=close`);
}

function isOutside(image: OutsideFacts, socket: InetSkEntry): boolean {
  return isConnection(socket) && peerOf(image, socket) === undefined;
}

function ends({ src_addr, src_port, dst_addr, dst_port }: InetSkEntry): string {
  const from = describeAddress({ words: src_addr, port: src_port });
  if (dst_port === 0) return `from ${from}`;
  return `from ${from} to ${describeAddress({ words: dst_addr, port: dst_port })}`;
}
