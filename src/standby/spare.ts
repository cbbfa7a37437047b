// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants, getPriority, setPriority } from 'node:os';
import { ownPid, type HostPid } from '../common/ids.js';
import { syscall } from '../native/index.js';
import { call, closeFd, exitNow, openPidfd, SYS } from '../native/sys.js';
import { copyPages, type Ranges } from './written-pages.js';

const WORD = 4;
/** How long one that is ready may take to answer. */
const TAKE_MS = 500;

/** A fork that has been made in advance, for the next connection: as its standby sees it. */
export class Spare {
  readonly #line: Socket;
  /** Of the spare, once that has told its pid. */
  #pidfd: number | undefined;
  #onAnswer: (isTaken: boolean) => void = () => undefined;

  /** @param line the standby's end of a pair; the spare has the other one, and ends when this one is closed */
  constructor(line: number, onEnd: () => void) {
    this.#line = open(line);
    // First its pid, then that it has taken a connection.
    this.#line.on('data', (data) => {
      if (this.#pidfd === undefined) this.#pidfd = syscall(SYS.pidfd_open, data.readInt32LE(), 0);
      else this.#onAnswer(true);
    });
    this.#line.once('close', () => {
      if (this.isReady) closeFd(this.#pidfd ?? -1);
      this.#pidfd = undefined;
      this.#onAnswer(false);
      onEnd();
    });
    this.#line.unref();
  }

  /** It is not while it prepares itself, which takes long on a busy machine, nor once it has ended. */
  get isReady(): boolean {
    return (this.#pidfd ?? -1) >= 0;
  }

  /** Whether it has taken a connection over, as a copy of the descriptor. One that does not answer is killed. */
  async take(connection: Socket): Promise<boolean> {
    const isTaken = await new Promise<boolean>((resolve) => {
      let isKilled = false;
      this.#onAnswer = (answer) => {
        if (!isKilled || !answer) resolve(answer); // What it has said before it was killed counts no more.
      };
      this.#line.ref().setTimeout(TAKE_MS, () => {
        isKilled = true;
        syscall(SYS.pidfd_send_signal, this.#pidfd ?? -1, constants.signals.SIGKILL, null, 0);
      });
      this.#line.write(wordOf(descriptorOf(connection)));
    });
    this.#line.destroy();
    return isTaken;
  }

  /** In a fork: forgets it. */
  forget(): void {
    this.#line.destroy();
  }
}

/**
 * In a spare: copies pages that it will write to, with low priority, and waits for its connection. Ends with its standby.
 *
 * @param line the other end
 */
export async function connectionFor(
  line: number,
  { standby, pages }: { readonly standby: HostPid; readonly pages: Ranges },
): Promise<Socket> {
  const priority = getPriority();
  setPriority(constants.priority.PRIORITY_LOW);
  copyPages(pages);
  setPriority(priority);
  const pidfd = openPidfd(standby);
  const socket = open(line);
  socket.write(wordOf(ownPid()));
  const end = (): never => exitNow(0);
  socket.once('close', end);
  const descriptor = await new Promise<number>((resolve) => {
    socket.once('data', (data) => {
      resolve(data.readInt32LE());
    });
  });
  const fd = call('take a connection over', SYS.pidfd_getfd, pidfd, descriptor, 0);
  closeSync(pidfd);
  socket.off('close', end);
  // Until the standby lets go, it may still end this process, and serve the connection by a fork.
  const released = new Promise((resolve) => socket.once('close', resolve));
  socket.write('taken');
  await released;
  return open(fd);
}

function wordOf(value: number): Buffer {
  const word = Buffer.alloc(WORD);
  word.writeInt32LE(value);
  return word;
}

function open(fd: number): Socket {
  // Its end is heard as well as its errors.
  return new Socket({ fd, readable: true, writable: true }).on('error', () => undefined);
}

/** Node does not tell it by its interface. */
function descriptorOf(socket: Socket): number {
  return (socket as unknown as { _handle: { fd: number } })._handle.fd;
}
