// SPDX-License-Identifier: Apache-2.0
import type { HostPid, VasId } from '../../common/ids.js';
import type { PreCopyMode } from '../constants.js';
import type { ProcessSpec } from '../resources/attributes.js';
import type { ExpectedSurroundings } from '../resources/surroundings.js';
import type { NamespacesSpec } from '../spec.js';
import type { PreCopyRecord } from '../vas/store.js';

/** What to checkpoint, and where its metadata goes. */
export interface CheckpointRequest extends ExpectedSurroundings {
  /** Name of the container, for messages and for the VAS's metadata. */
  readonly containerId: string;
  /** Its spec: what cannot be restored by that is refused. */
  readonly spec: NamespacesSpec & { readonly process?: ProcessSpec };
  /** Pid of the container's init, as the engine's own pid namespace numbers it. */
  readonly initPid: HostPid;
  /** Directory for the image files; created (0700) when missing, must be empty otherwise. */
  readonly imagePath: string;
  /** Leave the container as it was found (running or frozen), or kill it once the checkpoint is complete. */
  readonly leaveRunning: boolean;
  /**
   * Absolute paths of mounts in the container which are tmpfs made for it by its spec: their content
   * is saved. `[]` when there is none. Example: `['/dev/shm', '/run', '/tmp']`.
   */
  readonly tmpfsMounts: readonly string[];
  /**
   * The runtime's state of the container is in `<runcRoot>/<containerId>`: it tells what the container's stdio was at
   * its start. Without it only descriptors 0 to 2 of its init do.
   */
  readonly runcRoot?: string;
  /** Whether memory is copied while the container runs, before it stands still. MVAS_PRE_COPY is the default. */
  readonly preCopy?: PreCopyMode;
  /** Bytes that the VAS's memory may take; MVAS_VAS_MEMORY_LIMIT holds as well. */
  readonly memoryLimit?: number;
  /**
   * Milliseconds for which a refusal that may be gone in a moment is tried again, the container running
   * meanwhile. In one that is frozen only processes from outside run, and are waited for.
   */
  readonly retryMs?: number;
  /** Ids of the processes that the caller has started in the container, by host pid, for messages. */
  readonly execs?: () => ReadonlyMap<HostPid, string>;
  readonly signal?: AbortSignal;
}

/** What a checkpoint made. */
export interface CheckpointResult {
  /** Id of the VAS that holds the memory; a directory of that name lies in the VAS root. */
  readonly vasId: VasId;
  /** Milliseconds of each stage (see stages.ts), in order. */
  readonly timingsMs: Readonly<Record<string, number>>;
  /** Milliseconds the container stood still. */
  readonly frozenMs: number;
  /** Bytes of memory copied into the VAS. */
  readonly bytes: number;
  /** What was copied while the container ran; undefined: nothing. */
  readonly preCopy: PreCopyRecord | undefined;
}
