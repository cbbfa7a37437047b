// SPDX-License-Identifier: Apache-2.0
import { badImage, ShimError } from '../../../common/errors.js';
import type { CoreEntry, CredsEntry, ThreadCoreEntry } from '../../image/types.js';
import {
  CAP,
  CAPABILITY_SETS,
  capabilityMask,
  decodeCapabilities,
  hasCapability,
  nameCapabilities,
} from './capabilities.js';
import { ownNice } from './host-facts.js';
import { liveLabels, type Label, type LabelSpec } from './labels.js';
import { schedulingPrivilege } from './scheduling.js';
import type { IdMaps } from '../../procfs/id-map.js';
import type { ProcStatus } from '../../procfs/status.js';
import type { ChainLink } from './seccomp.js';

/** The user that a container runs as and keeps without a setuid program; undefined if it may be anyone. */
export interface LiveUser {
  readonly uid: number | undefined;
  /** `gid` and `additionalGids`. */
  readonly gids: readonly number[] | undefined;
}

/**
 * The user of a container, by the ids of its user namespace, read from its parked init, which has the ids and capability
 * sets of its spec.
 */
export function liveUser(
  { uid, gid, groups, capabilities }: Pick<ProcStatus, 'uid' | 'gid' | 'groups' | 'capabilities'>,
  { users, groups: groupMap }: IdMaps,
): LiveUser {
  const ids = {
    uid: users.toInside(uid.effective),
    gid: groupMap.toInside(gid.effective),
    groups: groups.map((group) => groupMap.toInside(group)),
  };
  return userOf(ids, capabilities);
}

/**
 * What the live request permits. An image may only ask for less: a stranger wrote it, and its processes begin with
 * the host's privileges.
 */
export interface LiveLimits {
  /** `process.capabilities.bounding` of the live spec as a mask, which no set may exceed. */
  readonly boundingSet: bigint;
  /** `process.noNewPrivileges` of the live spec; set in every thread. */
  readonly noNewPrivileges: boolean;
  /** The nice value that its processes inherit here; by default 0. */
  readonly nice?: number | undefined;
  /** The user that the new container runs as (its donor's). */
  readonly user?: LiveUser | undefined;
  /** Labels of the live spec that this host supports; every thread gets them. */
  readonly labels?: readonly Label[] | undefined;
  /** Hard limits of the new container in RLIMIT_* order (its donor's /proc/PID/limits): never exceeded. */
  readonly hardLimits?: readonly bigint[] | undefined;
  /** The live spec's seccomp filters, oldest first (its donor's); every thread gets at least these. */
  readonly seccompChain?: readonly ChainLink[] | undefined;
  /** `process.oomScoreAdj` of the live container: the lowest value allowed without CAP_SYS_RESOURCE. */
  readonly oomScoreAdj?: number | undefined;
}

/** The part of an OCI runtime spec that limits a container's processes. */
export interface ProcessSpec extends LabelSpec {
  readonly noNewPrivileges?: boolean;
  readonly capabilities?: {
    readonly bounding?: readonly string[];
    readonly ambient?: readonly string[];
  };
  readonly user?: {
    readonly uid?: number;
    readonly gid?: number;
    readonly additionalGids?: readonly number[];
  };
}

/** What a spec limits, whichever container is created from it. */
export function limitsOfSpec(spec: ProcessSpec = {}): LiveLimits {
  return {
    labels: liveLabels(spec),
    boundingSet: capabilityMask(spec.capabilities?.bounding ?? []),
    noNewPrivileges: spec.noNewPrivileges ?? false,
    nice: ownNice(),
  };
}

/** The user of a container created from a spec, as {@link liveUser} will see it. */
export function userOfSpec({ user = {}, capabilities = {} }: ProcessSpec = {}): LiveUser {
  const { uid = 0, gid = 0, additionalGids: groups = [] } = user;
  return userOf(
    { uid, gid, groups },
    {
      bounding: capabilityMask(capabilities.bounding ?? []),
      ambient: capabilityMask(capabilities.ambient ?? []),
    },
  );
}

const ANYBODY: LiveUser = { uid: undefined, gids: undefined };

/**
 * The program that a container runs keeps the ambient capabilities, or, as root, those of the bounding set
 * (execve(2)).
 */
function userOf(
  { uid, gid, groups }: { uid: number; gid: number; groups: readonly number[] },
  { bounding, ambient }: { bounding: bigint; ambient: bigint },
): LiveUser {
  const kept = uid === 0 ? bounding : ambient;
  return {
    uid: hasCapability(kept, CAP.setuid) ? undefined : uid,
    // In order and once each: a spec has them in any order, and /proc in the kernel's.
    gids: hasCapability(kept, CAP.setgid)
      ? undefined
      : [...new Set([gid, ...groups])].sort((one, other) => one - other),
  };
}

/**
 * Checks a thread's entry against the live limits. Only PID 1's ids are restricted, unless no_new_privs forbids
 * other threads to have changed theirs.
 *
 * @throws ShimError `failedPrecondition` naming what exceeds the limits
 */
export function checkThreadLimits(
  where: string,
  core: CoreEntry,
  limits: LiveLimits,
  isOfInit = false,
): void {
  const thread = core.thread_core ?? badImage(`${where}: no thread_core`);
  const creds = thread.creds ?? badImage(`${where}: no credentials`);
  checkCapabilities(where, creds, limits);
  if (isOfInit || limits.noNewPrivileges) checkUser(where, creds, limits.user);
  checkPrivilegedScheduling(where, thread, limits);
}

function checkCapabilities(where: string, creds: CredsEntry, limits: LiveLimits): void {
  const sets = decodeCapabilities(creds);
  for (const name of CAPABILITY_SETS) {
    const beyond = sets[name] & ~limits.boundingSet;
    if (beyond === 0n) continue;
    throw new ShimError(
      'failedPrecondition',
      `${where}: its ${name} capabilities go beyond those of the new container by ` +
        `${nameCapabilities(beyond)}; remedy: add them to its process.capabilities`,
    );
  }
}

function checkUser(where: string, creds: CredsEntry, { uid, gids }: LiveUser = ANYBODY): void {
  const users = [creds.uid, creds.euid, creds.suid, creds.fsuid];
  const groups = [creds.gid, creds.egid, creds.sgid, creds.fsgid, ...creds.groups];
  const user = uid === undefined ? undefined : users.find((id) => id !== uid);
  const group = gids && groups.find((id) => !gids.includes(id));
  if (user === undefined && group === undefined) return;
  const found = user === undefined ? `group ${String(group)}` : `user ${String(user)}`;
  const live = user === undefined ? `groups ${String(gids?.join(' '))}` : `user ${String(uid)}`;
  const remedy = 'remedy: give the container the process.user that it runs as';
  throw new ShimError(
    'failedPrecondition',
    `${where}: runs as ${found}, and the new container as ${live}; ${remedy}`,
  );
}

function checkPrivilegedScheduling(
  where: string,
  thread: ThreadCoreEntry,
  limits: LiveLimits,
): void {
  if (hasCapability(limits.boundingSet, CAP.sysNice)) return;
  const privilege = schedulingPrivilege(thread, Math.min(0, limits.nice ?? 0));
  if (privilege === undefined) return;
  throw new ShimError(
    'failedPrecondition',
    `${where}: ${privilege} needs CAP_SYS_NICE, which the new container does not have`,
  );
}
