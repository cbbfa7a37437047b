// SPDX-License-Identifier: Apache-2.0
import { ownPid } from '../../common/ids.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { rootOf } from '../image/validate-tasks.js';
import type { LiveFacts } from '../plan/live-facts.js';
import { coreOf } from '../plan/parts-of-image.js';
import { readLimits } from '../procfs/reader.js';
import {
  chainOf,
  limitsOfSpec,
  readHostFacts,
  userOfSpec,
  type ChainLink,
} from '../resources/attributes.js';
import { mountFacts, setsAbsoluteTime, type MountFacts } from '../resources/files/index.js';
import { expectedIpc } from '../resources/ipc/live.js';
import { sharedPidNamespace, type Spec } from '../spec.js';
import { userNamespaceOf } from '../user-namespace.js';
import type { LiveSources } from './read-live-facts.js';

/** What is known before there is a donor. */
export interface ExpectedSources extends Pick<
  LiveSources,
  | 'live'
  | 'restorerPid'
  | 'stdio'
  | 'hasConsole'
  | 'kernelAreas'
  | 'secret'
  | 'held'
  | 'predecessor'
> {
  readonly image: CheckpointImage;
}

/** Whether what a restore will find can be known before: not which ids others have, nor the time. */
export function canExpect(image: CheckpointImage, live: Spec): boolean {
  const needsTime = image.files.some(({ tfd }) => tfd && setsAbsoluteTime(tfd));
  return sharedPidNamespace(live) === undefined && !needsTime;
}

/** What a restore is likely to find once the runtime has made a donor from the spec. */
export function expectedFacts(sources: ExpectedSources): LiveFacts {
  const { live, restorerPid, stdio, image } = sources;
  const { hasConsole, kernelAreas, secret, held, predecessor } = sources;
  return {
    limits: {
      ...limitsOfSpec(live.process),
      user: userOfSpec(live.process),
      oomScoreAdj: live.process?.oomScoreAdj,
      hardLimits: expectedHardLimits(live),
      seccompChain: expectedChain(image, live),
    },
    mounts: expectedMounts(live),
    stdio: [stdio[0] !== null, stdio[1] !== null, stdio[2] !== null],
    ...{ hasConsole, kernelAreas, secret, held, predecessor },
    ipc: image.ipcLimits && expectedIpc(image.ipcLimits, live),
    severed: new Set(),
    host: readHostFacts(restorerPid),
    userNamespace: userNamespaceOf(live),
    initPid: restorerPid,
    takenIds: undefined,
  };
}

/** Those of the spec's mounts; of others, nothing but their files depends on what they are. */
function expectedMounts({ root, mounts = [] }: Spec): MountFacts {
  const ofRoot = { destination: '/', type: '', options: root?.readonly === true ? ['ro'] : [] };
  return mountFacts(
    [ofRoot, ...mounts].map(({ destination: mountPoint, type: fsType = '', options = [] }) => {
      return { mountPoint, fsType, options };
    }),
  );
}

/** The runtime inherits ours, and sets those of the spec. */
function expectedHardLimits({ process: { rlimits = [] } = {} }: Spec): bigint[] {
  const set = new Map(rlimits.map(({ type, hard }) => [type, BigInt(hard)]));
  return readLimits(ownPid()).map(
    ({ resource, hard }) => set.get(`RLIMIT_${resource.toUpperCase()}`) ?? hard,
  );
}

/** The checkpointed container's first filter was its runtime's. */
function expectedChain(image: CheckpointImage, { linux }: Spec): ChainLink[] {
  if (linux?.seccomp === undefined) return [];
  const { thread_core: thread } = coreOf(image, rootOf(image));
  return chainOf(image.seccomp, thread?.seccomp_filter).slice(0, 1);
}
