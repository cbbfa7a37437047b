// SPDX-License-Identifier: Apache-2.0
import { Socket } from 'node:net';
import { AF, SOCK } from '../native/abi/index.js';
import { call, SYS } from '../native/sys.js';

/** Two descriptors, one for a standby and one for its heir: each hears by its own when the other one has ended. */
export function makeLine(): readonly [number, number] {
  const pair = Buffer.alloc(8);
  call('make a line', SYS.socketpair, AF.unix, SOCK.stream | SOCK.cloexec, 0, pair);
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** What is heard by a line. */
export interface Listener {
  /** The other one has said that it is ready. */
  readonly onReady: () => void;
  /** It has ended. */
  readonly onEnd: () => void;
}

/** An end of a line. It keeps no process alive. */
export function openLine(fd: number, { onReady, onEnd }: Listener): Socket {
  const line = new Socket({ fd, readable: true, writable: true });
  line.on('error', () => undefined); // Its end is heard as well.
  line.once('data', onReady).once('close', onEnd);
  line.resume().unref();
  return line;
}
