// SPDX-License-Identifier: Apache-2.0
import type { HostPid, VasId } from '../../common/ids.js';
import type { CopyPlaces } from '../changes/tree-walk.js';
import type { ExecMode, PreCopyMode, TwinMode } from '../constants.js';
import type { ProcessSpec } from '../resources/attributes.js';
import type { ExpectedSurroundings } from '../resources/surroundings.js';
import type { NamespacesSpec } from '../spec.js';
import type { LifeRequest } from '../vas/life.js';
import type { SpareVas } from '../vas/spare.js';
import type { PreCopyRecord } from '../vas/store.js';
import type { Series } from './series.js';

/** What to checkpoint, and where to put its metadata. */
export interface CheckpointRequest extends ExpectedSurroundings {
  /** Name of the container, for messages and for the VAS's metadata. */
  readonly containerId: string;
  /** Its spec. Anything that a restore with it could not bring back is refused. */
  readonly spec: NamespacesSpec & { readonly process?: ProcessSpec };
  /** Pid of the container's init in the engine's own pid namespace. */
  readonly initPid: HostPid;
  /** Directory for the image files. Created (0700) if missing, otherwise it must be empty. */
  readonly imagePath: string;
  /**
   * Whether to leave the container as it was found (running or frozen), or to kill it once the
   * checkpoint is complete.
   */
  readonly leaveRunning: boolean;
  /** Whether its TCP sockets are to stay open after it is killed, for a restore with `tcp=keep`. */
  readonly keepsConnections?: boolean;
  /**
   * Absolute paths of the container's mounts that its spec made as tmpfs: their content is saved.
   * `[]` if there are none. Example: `['/dev/shm', '/run', '/tmp']`.
   */
  readonly tmpfsMounts: readonly string[];
  /**
   * The runtime keeps the container's state in `<runcRoot>/<containerId>`, which says what the
   * container's stdio was when it started. Without it, only descriptors 0 to 2 of its init say so.
   */
  readonly runcRoot?: string;
  /**
   * Directory with the changes of the container's root filesystem, as overlayfs keeps them, and one of the caller's to
   * copy them to: the copy is as they are while the container stands still. What it is after a failure is undefined.
   */
  readonly changes?: CopyPlaces;
  /** Whether to copy memory before the container stands still, while it runs. MVAS_PRE_COPY is the default. */
  readonly preCopy?: PreCopyMode;
  /** Whether to copy memory from twins of the processes, after the stop. MVAS_TWIN is the default. */
  readonly twin?: TwinMode;
  /**
   * The series that the checkpoint belongs to. It starts from the last one if it can, and copies all memory otherwise; writes
   * are tracked after it if the container goes on.
   */
  readonly series?: Series;
  /** Limit for the VAS's memory, in bytes; MVAS_VAS_MEMORY_LIMIT applies as well. */
  readonly memoryLimit?: number;
  /**
   * Milliseconds for which a momentary refusal is retried. The container runs in between; if it is
   * frozen, only processes from outside run, and are waited for.
   */
  readonly retryMs?: number;
  /** What ends the VAS, besides its removal; the configuration of this host is the default. */
  readonly life?: LifeRequest;
  /** A VAS that has been made in advance. */
  readonly spare?: Pick<SpareVas, 'take'> | undefined;
  /** What to do with processes that came by exec. */
  readonly exec?: ExecMode;
  /** Ids, by host pid, of the processes that the caller has started in the container; for messages. */
  readonly execs?: () => ReadonlyMap<HostPid, string>;
  readonly signal?: AbortSignal;
  /**
   * Given, a checkpoint that copies from twins and leaves the container running answers as soon as that runs again and
   * the image is complete; see {@link CheckpointResult.filled}. Does a moment's work while nothing else stops, pauses
   * or resumes the container.
   */
  readonly inTurn?: InTurn;
}

/** Does some work in its turn. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** What a checkpoint produced. */
export interface CheckpointResult {
  /** Id of the VAS that holds the memory. A directory of that name lies in the VAS root. */
  readonly vasId: VasId;
  /** Milliseconds of each stage (see stages.ts), in order. */
  readonly timingsMs: Readonly<Record<string, number>>;
  /** Milliseconds for which the container stood still. */
  readonly frozenMs: number;
  /** Bytes of memory copied into the VAS. */
  readonly bytes: number;
  /** What was copied while the container ran; undefined if nothing was. */
  readonly preCopy: PreCopyRecord | undefined;
  /**
   * Settles when all memory is in the VAS, which is marked as being filled until then; restores wait for it. Rejects with
   * the ShimError that the VAS is marked as broken with. Undefined if everything is there.
   */
  readonly filled?: Promise<void>;
}
