// SPDX-License-Identifier: Apache-2.0
import type { HostPid, NsTid } from '../../common/ids.js';
import type { KernelArea } from '../memory/memory-plan.js';
import type { LiveIpc } from '../resources/ipc/limit-steps.js';
import type { HostFacts, LiveLimits } from '../resources/attributes.js';
import type { MountFacts } from '../resources/files/index.js';

/** Open TCP sockets of a checkpointed container, which the keeper of its VAS has (`tcp=keep`). */
export interface HeldFiles {
  readonly keeper: HostPid;
  /** Its descriptors, by file id. */
  readonly files: ReadonlyMap<number, number>;
}

/** What PID 1 can do in a user namespace. */
export interface UserNamespaceFacts {
  /**
   * Links in /proc/PID/ns of the donor's namespaces that it joins one by one: it has no right to a pidfd of the donor (setns(2)).
   */
  readonly joined: readonly string[];
  /** The most bytes that it can set buffers of sockets to. */
  readonly mostBuffer: number;
}

/**
 * What a restore finds in place: the new container by its spec and its donor, the holder, the
 * engine. Read once; besides this, a plan needs only the image.
 */
export interface LiveFacts {
  readonly limits: LiveLimits;
  /** Mounts of the new container, as its PID 1 sees them. */
  readonly mounts: MountFacts;
  /** Whether it has a terminal. */
  readonly hasConsole: boolean;
  /** Whether a descriptor is given for each of its three streams; if not, it is the console or /dev/null. */
  readonly stdio: readonly [boolean, boolean, boolean];
  /** The kernel's own areas, as they lie in the holder. */
  readonly kernelAreas: readonly KernelArea[];
  /** The IPC namespace; undefined where the image has no need of it, or it is not known yet. */
  readonly ipc: LiveIpc | undefined;
  /** Ids of files that are ends of TCP connections which the network namespace cannot have; empty if not known yet. */
  readonly severed: ReadonlySet<number>;
  /** TCP sockets that are not made anew; undefined if there are none, or they are not known yet. */
  readonly held?: HeldFiles | undefined;
  /** The container whose place this one takes: its init, and where its cgroups are mounted. */
  readonly predecessor?:
    { readonly pid: HostPid; readonly cgroupPlaces: readonly string[] } | undefined;
  readonly host: HostFacts;
  /** Set if PID 1 begins in a user namespace of the container's: without the host's rights, and as nobody yet. */
  readonly userNamespace?: UserNamespaceFacts | undefined;
  /** PID 1 of the new container, as the host sees it; needed for what came by exec. */
  readonly initPid: HostPid;
  /** Ids that others have in the pid namespace, if containers share it. */
  readonly takenIds?: ReadonlySet<NsTid> | undefined;
  /** What our names in the container are derived from: see `ScratchNames`. */
  readonly secret: string;
}
