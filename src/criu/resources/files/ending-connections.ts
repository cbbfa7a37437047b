// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import type { TcpMode } from '../../constants.js';
import type { InetSkEntry } from '../../image/types.js';
import type { Valid } from '../../image/validate.js';
import type { FilesImage } from './files-image.js';
import { isConnection, isKept, isListening } from './kinds/inet/protocols.js';
import { describeAddress } from './sockets/inet-address.js';

const WHY = {
  refuse: 'would end (tcp=refuse)',
  keep: 'cannot be kept (tcp=keep): its checkpoint was not taken with tcp=keep, its container goes on, or another restore has it',
} as const;

type ConnectionsImage = Pick<FilesImage, 'files' | 'tcpStreams'>;

/** What becomes of the connections of an image. */
export interface Ending {
  readonly mode: TcpMode;
  /** See `findSevered`. */
  readonly severed: ReadonlySet<number>;
  /** Files whose sockets somebody holds open. */
  readonly held?: Pick<ReadonlyMap<number, number>, 'has'> | undefined;
}

/** Whether an image has TCP sockets that could outlive their container. */
export function hasKeepable({ files }: Pick<FilesImage, 'files'>): boolean {
  return files.some(({ isk }) => isk && isKeepable(isk));
}

/** Those sockets. */
export function findKeepable({ files }: Pick<FilesImage, 'files'>): InetSkEntry[] {
  const found: InetSkEntry[] = [];
  for (const { isk } of files) if (isk && isKeepable(isk)) found.push(isk);
  return found;
}

function isKeepable(socket: InetSkEntry): boolean {
  return isConnection(socket) || isListening(socket);
}

/**
 * Counts the ends of connections that a restore ends: all those to the outside, and those within the container that are
 * severed, unless their sockets are held.
 *
 * @throws ShimError `failedPrecondition` where that is not wanted
 */
export function judgeEnding(
  image: Valid<ConnectionsImage>,
  { mode, severed, held }: Ending,
): number {
  const { count, listener, first = listener } = findEnding(image, { severed, held });
  if (first === undefined || mode === 'close') return count;
  const others = count > 1 ? `, and ${String(count - 1)} more` : '';
  const what = `its TCP connection ${first === listener ? waiting(first) : endsOf(first)}${others}`;
  const message = `${what} ${WHY[mode]}; remedy: restore it with tcp=close`;
  throw new ShimError('failedPrecondition', message);
}

interface EndingConnections {
  /** Ends of connections, with those that wait to be accepted from outside. */
  readonly count: number;
  /** The first end. */
  readonly first?: InetSkEntry | undefined;
  /** The first socket in which others wait. */
  readonly listener?: InetSkEntry | undefined;
}

function findEnding(
  image: Valid<ConnectionsImage>,
  { severed, held }: Pick<Ending, 'severed' | 'held'>,
): EndingConnections {
  const ends = (socket: InetSkEntry): boolean =>
    isConnection(socket) && (severed.has(socket.id) || !isKept(image, socket));
  let count = 0;
  let first: InetSkEntry | undefined;
  let listener: InetSkEntry | undefined;
  for (const { isk } of image.files) {
    if (!isk || held?.has(isk.id) === true) continue;
    if (isListening(isk)) {
      const { mvas_waiting_outside: waiting = 0 } = isk;
      if (waiting > 0) listener ??= isk;
      count += waiting;
    } else if (ends(isk)) {
      first ??= isk;
      count += 1;
    }
  }
  return { count, first, listener };
}

function waiting({ src_addr, src_port }: InetSkEntry): string {
  return `to ${describeAddress({ words: src_addr, port: src_port })}, which waits to be accepted,`;
}

function endsOf({ src_addr, src_port, dst_addr, dst_port }: InetSkEntry): string {
  const from = describeAddress({ words: src_addr, port: src_port });
  if (dst_port === 0) return `from ${from}`;
  return `from ${from} to ${describeAddress({ words: dst_addr, port: dst_port })}`;
}
