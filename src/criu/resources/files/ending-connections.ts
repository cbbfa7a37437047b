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

/** TCP sockets that could outlive their container. */
export function findKeepable({ files }: Pick<FilesImage, 'files'>): InetSkEntry[] {
  return files.flatMap(({ isk }) => (isk && (isConnection(isk) || isListening(isk)) ? [isk] : []));
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
  const all = findKeepable(image).filter(({ id }) => held?.has(id) !== true);
  const isEnding = (socket: InetSkEntry): boolean =>
    isConnection(socket) && (severed.has(socket.id) || !isKept(image, socket));
  const sockets = all.filter(isEnding);
  const listener = all.find(({ mvas_waiting_outside: waiting = 0 }) => waiting > 0);
  const first = sockets[0] ?? listener;
  const count = sockets.length + sumOf(all);
  if (first === undefined || mode === 'close') return count;
  const others = count > 1 ? `, and ${String(count - 1)} more` : '';
  const what = `its TCP connection ${first === listener ? waiting(first) : ends(first)}${others}`;
  const message = `${what} ${WHY[mode]}; remedy: restore it with tcp=close`;
  throw new ShimError('failedPrecondition', message);
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
