// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import type { LiveFacts } from '../plan/live-facts.js';
import { idsIn } from '../pid-namespace.js';
import { readIdMaps, readLimits, readMountinfo, readStatus } from '../procfs/reader.js';
import { limitsOfSpec, liveUser, readHostFacts, type LiveLimits } from '../resources/attributes.js';
import { findSevered, mountFacts } from '../resources/files/index.js';
import { readLiveIpc } from '../resources/ipc/live.js';
import { sharedPidNamespace, type Spec } from '../spec.js';
import type { FinishRequest } from './restore-request.js';
import { userNamespaceOf } from '../user-namespace.js';

/** The sources of a restore's facts. */
export interface LiveSources extends Pick<
  LiveFacts,
  'hasConsole' | 'kernelAreas' | 'secret' | 'held' | 'predecessor'
> {
  readonly live: Spec;
  /** Pid of the donor's init. */
  readonly donorPid: HostPid;
  readonly restorerPid: HostPid;
  readonly stdio: FinishRequest['stdio'];
  /** Whose connections are looked at; undefined where the donor is not there yet. */
  readonly image: Parameters<typeof findSevered>[0] | undefined;
  /** Whether the image has System V objects, and the donor is there. */
  readonly hasIpc: boolean;
  readonly seccompChain: LiveLimits['seccompChain'];
}

/** Reads what a restore finds in place. */
export function readLiveFacts(sources: LiveSources): LiveFacts {
  const {
    live,
    donorPid,
    restorerPid,
    stdio,
    image,
    hasIpc,
    seccompChain,
    hasConsole,
    kernelAreas,
    secret,
    held,
    predecessor,
  } = sources;
  const limits = {
    ...limitsOfSpec(live.process),
    user: liveUser(readStatus(donorPid), readIdMaps(donorPid)),
    oomScoreAdj: live.process?.oomScoreAdj,
    hardLimits: readLimits(donorPid).map(({ hard }) => hard),
    seccompChain,
  };
  return {
    limits,
    mounts: mountFacts(readMountinfo(donorPid)),
    hasConsole,
    stdio: [stdio[0] !== null, stdio[1] !== null, stdio[2] !== null],
    kernelAreas,
    ipc: hasIpc ? readLiveIpc(donorPid, live) : undefined,
    severed: image ? findSevered(image, donorPid, held?.files) : new Set(),
    held,
    predecessor,
    host: readHostFacts(restorerPid),
    userNamespace: userNamespaceOf(live),
    initPid: restorerPid,
    takenIds: takenIn(live),
    secret,
  };
}

function takenIn(live: Spec): LiveFacts['takenIds'] {
  const path = sharedPidNamespace(live);
  return path === undefined ? undefined : new Set(idsIn(path).keys());
}
