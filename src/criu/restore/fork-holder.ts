// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { AF, SOCK } from '../../native/abi/index.js';
import { call, closeFd, SYS } from '../../native/sys.js';
import type { Fork, HolderClient } from '../vas/holder-client.js';

/** A fork of a holder, which waits for its plan. */
export interface Forked {
  readonly pid: HostPid;
  /** Where it gets its plan; the caller closes it. */
  readonly socket: number;
  /** Milliseconds that the fork took. */
  readonly forkMs: number;
}

/** Forks a holder; in a new pid namespace the child is PID 1. */
export async function forkHolder(holder: HolderClient, where: Fork): Promise<Forked> {
  const pair = Buffer.alloc(8);
  call('make a socket pair', SYS.socketpair, AF.unix, SOCK.seqpacket | SOCK.cloexec, 0, pair);
  const [socket, theirs] = [pair.readInt32LE(0), pair.readInt32LE(4)];
  const before = performance.now();
  const pid = await holder
    .fork(theirs, where)
    .catch((error: unknown) => {
      closeFd(socket);
      throw error;
    })
    .finally(() => {
      closeFd(theirs);
    });
  return { pid, socket, forkMs: Math.round((performance.now() - before) * 1000) / 1000 };
}
