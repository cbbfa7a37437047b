// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import { Tracer } from '../../../native/index.js';
import { errnoError } from '../../../native/sys.js';
import { readStatus } from '../../procfs/reader.js';
import { readSeccompChain, type ChainLink } from './seccomp.js';

const MODE_FILTER = 2;
const STOP_TIMEOUT_MS = 5000;
const STOPPED = 0x7f;

/**
 * The filters of a running process, oldest first, for {@link LiveLimits}: a container's parked init has those of
 * its spec. The process is stopped for a moment and continues. It must not be a child of this process, since libuv
 * would take the stop for its exit.
 *
 * @throws ShimError if it cannot be traced, or dies
 */
export async function readLiveSeccomp(pid: HostPid): Promise<ChainLink[]> {
  const { pid: tid, seccomp } = readStatus(pid);
  if (seccomp !== MODE_FILTER) return [];
  const tracer = new Tracer();
  const label = 'the new container';
  const what = `read the seccomp filters of ${label}`;
  try {
    const tids = Int32Array.of(pid);
    const [, seized = 0] = await tracer.seize(tids, 0);
    if (seized !== 0) throw errnoError(what, seized);
    const [, status = 0] = await tracer.waitStops(tids, STOP_TIMEOUT_MS);
    if (status < 0) throw errnoError(what, status);
    if ((status & 0xff) !== STOPPED) throw new ShimError('aborted', `${what}: it has died`);
    const chain = await readSeccompChain(tracer, { tid, label });
    await tracer.detach(tids);
    return chain;
  } finally {
    tracer.close();
  }
}
