// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync } from 'node:fs';
import { ShimError } from '../../common/errors.js';
import { check, SYS } from '../../native/sys.js';
import { syscall } from '../../native/index.js';

const O_PATH = 0o10000000;
const F_GETFL = 3;
const F_SETFL = 4;
const { O_APPEND, O_NOCTTY, O_NONBLOCK } = constants;
const O_ACCMODE = 3;

/** A stream that can be opened again. It counts neither as a reader nor as a writer: nothing waits for it (open(2), O_PATH). */
export class Spare {
  readonly #fd: number;
  readonly #flags: number;

  private constructor(fd: number, flags: number) {
    this.#fd = fd;
    this.#flags = flags;
  }

  /** Of an open descriptor, which remains the caller's. */
  static of(fd: number): Spare {
    const flags = check('read the flags of a stream', syscall(SYS.fcntl, fd, F_GETFL));
    return new Spare(openSync(`/proc/self/fd/${String(fd)}`, O_PATH), flags);
  }

  /** Another descriptor, opened as the first one was. @throws ShimError `unavailable` for a pipe whose reader has gone */
  open(): number {
    const flags = this.#flags & (O_ACCMODE | O_APPEND);
    try {
      // Not to wait for a reader.
      const fd = openSync(`/proc/self/fd/${String(this.#fd)}`, flags | O_NOCTTY | O_NONBLOCK);
      const wanted = this.#flags & (O_APPEND | O_NONBLOCK);
      check('set the flags of a stream', syscall(SYS.fcntl, fd, F_SETFL, wanted));
      return fd;
    } catch (cause) {
      const { code = String(cause) } = cause as NodeJS.ErrnoException;
      throw new ShimError('unavailable', `open a stream again: ${code}`, { cause });
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
