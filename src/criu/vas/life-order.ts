// SPDX-License-Identifier: Apache-2.0
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { VasId } from '../../common/ids.js';
import { assertInvariant } from '../../common/errors.js';
import { AF, SOCK } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, check, closeFd, cString, errnoError, sendWithFds, SYS } from '../../native/sys.js';
import { VAS_REFERENCE_FILE } from '../image/vas-reference.js';
import { LIFE, LIFE_MAGIC, LIFE_SIZE, LIFE_WITH } from '../plan/abi.js';
import { mvasCommand } from './command.js';
import { limitWaits, unixAddress } from './holder-client.js';
import { waitSocketOf } from './store.js';
import { parentDirectory } from './vas-cgroup.js';

const IN_DELETE_SELF = 0x400;
/** IN_CLOEXEC and IN_NONBLOCK. */
const IN_FLAGS = 0o2004000;
const MS = 1000;
const EINTR = -4;

/** What a keeper does about its VAS's life. */
export interface LifeOrder {
  /** Milliseconds until it asks whether the VAS is to end; undefined: never by the time. */
  readonly afterMs: number | undefined;
  /** A directory of an image: it also asks when its vas.json is deleted. */
  readonly watch?: string;
}

/**
 * Has the keeper of a VAS run `mvas expire` later, which decides whether the VAS ends; in place of what it was
 * ordered before, except for a watch.
 *
 * @throws ShimError
 */
export function orderLife(id: VasId, { afterMs, watch }: LifeOrder): void {
  const fds: number[] = [];
  let bits = 0;
  try {
    if (watch !== undefined) {
      fds.push(watchOf(join(watch, VAS_REFERENCE_FILE)));
      bits |= LIFE_WITH.watch;
    }
    const cgroup = openCgroup();
    if (cgroup !== undefined) {
      fds.push(cgroup);
      bits |= LIFE_WITH.cgroup;
    }
    send(waitSocketOf(id), encode(bits, afterMs), fds);
  } finally {
    for (const fd of fds) closeFd(fd);
  }
}

/** An inotify that sees the deletion of a file. It does not keep its file system from being unmounted, as an open file would. */
function watchOf(path: string): number {
  const fd = call('make an inotify', SYS.inotify_init1, IN_FLAGS);
  const wd = syscall(SYS.inotify_add_watch, fd, cString(path), IN_DELETE_SELF);
  if (wd >= 0) return fd;
  closeFd(fd);
  throw errnoError(`watch ${path}`, wd);
}

/** The command must not run within the memory limit of the VAS. */
function openCgroup(): number | undefined {
  const parent = parentDirectory();
  try {
    return parent === undefined ? undefined : openSync(join(parent, 'cgroup.procs'), 'w');
  } catch {
    return undefined; // As without a cgroup for VASes.
  }
}

function encode(bits: number, afterMs: number | undefined): Buffer {
  const { argv, env } = mvasCommand(['expire', '--quiet']);
  const strings = Buffer.from([...argv, ...env].map((text) => `${text}\0`).join(''));
  assertInvariant(strings.length <= LIFE_SIZE - LIFE.strings, 'the command of a keeper is short');
  const request = Buffer.alloc(LIFE_SIZE);
  request.writeUInt32LE(LIFE_MAGIC, LIFE.magic);
  request.writeUInt32LE(bits, LIFE.with);
  request.writeBigUInt64LE(secondsOf(afterMs), LIFE.after);
  request.writeUInt32LE(argv.length, LIFE.argc);
  request.writeUInt32LE(strings.length, LIFE.size);
  strings.copy(request, LIFE.strings);
  return request;
}

/** Not before the time has passed; 0 would be never. */
function secondsOf(ms: number | undefined): bigint {
  return ms === undefined ? 0n : BigInt(Math.max(1, Math.ceil(ms / MS)));
}

function send(waitSocket: string, request: Buffer, fds: readonly number[]): void {
  const socket = call('make a socket', SYS.socket, AF.unix, SOCK.stream | SOCK.cloexec, 0);
  try {
    const address = unixAddress(waitSocket);
    limitWaits(socket);
    call(`connect to the keeper at ${waitSocket}`, SYS.connect, socket, address, address.length);
    sendWithFds(socket, request, fds);
    const answer = Buffer.alloc(4);
    const receive = (): number =>
      syscall(SYS.recvfrom, socket, answer, answer.length, 0, null, null);
    let got = receive();
    while (got === EINTR) got = receive(); // signal(7): waits that are limited are not restarted.
    check('hear from the keeper', got);
    const result = got === answer.length ? answer.readInt32LE(0) : -1;
    if (result < 0) throw errnoError('order the life of a VAS', result);
  } finally {
    closeFd(socket);
  }
}
