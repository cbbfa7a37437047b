// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import type { InetSkEntry, TcpStreamEntry } from '../../../../image/types.js';
import type { FilesImage } from '../../files-image.js';

/** A connection's state, and what is in its queues. */
export interface Stream {
  readonly stream: TcpStreamEntry;
  readonly payload: Uint8Array;
}

/** What an image says of a connection. Throws ShimError `dataLoss` if that is nothing. */
export function streamOf(
  { tcpStreams }: Pick<FilesImage, 'tcpStreams'>,
  { id, ino }: InetSkEntry,
): Stream {
  const found = tcpStreams.get(ino);
  if (!found) badImage(`file ${String(id)}: its connection has no stream`);
  return { stream: found.entry, payload: found.payload };
}
