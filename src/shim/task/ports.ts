// SPDX-License-Identifier: Apache-2.0
import type { HostPid, VasId } from '../../common/ids.js';
import type {
  CheckpointRequest,
  CheckpointResult,
  PendingRestore,
  RestoreRequest,
  Series,
  SnapshotRecord,
  SnapshotUser,
  SpareVas,
} from '../../criu/index.js';
import type { Bundle } from '../bundle.js';
import type { TaskEvent } from '../events/topics.js';
import type { Exit } from '../reaper.js';

/** The checkpoint/restore engine, loaded when first used. */
export interface Engine {
  checkpoint(request: CheckpointRequest): Promise<CheckpointResult>;
  /** Begins to make an empty VAS for the next checkpoint; to be dropped if there is none. */
  spareVas(): Promise<Pick<SpareVas, 'take' | 'drop'>>;
  /** A series of checkpoints of a container. */
  series(containerId: string): Promise<Series>;
  beginRestore(request: RestoreRequest): Promise<PendingRestore>;
  copyTree(places: { readonly from: string; readonly to: string }): Promise<void>;
  addLayer(places: { readonly from: string; readonly to: string }): Promise<void>;
  /** Runs the command of this installation; resolves with what it prints. @throws ShimError with what it says */
  runMvas(args: readonly string[], signal: AbortSignal): Promise<string>;
  findSnapshot(
    wanted: string,
    user: SnapshotUser,
  ): Promise<{ readonly record: SnapshotRecord; readonly imagePath: string }>;
  /** Whether starts from a snapshot have failed so often that it is not worth another one. */
  failsAlways(id: VasId): Promise<boolean>;
  noteStart(id: VasId, isRestored: boolean): Promise<void>;
}

/** Reports when a process ends. */
export interface ExitSource {
  exitOf(pid: HostPid): Promise<Exit>;
  launching(work: () => Promise<HostPid>): Promise<HostPid>;
}

/** The image of a container, as containerd knows it. */
export interface ContainerImage {
  readonly name: string;
  /** A digest of its layers (image-spec, ChainID). */
  readonly chainId: string;
  /** Whether the root filesystem lies on it, with nothing in between. */
  readonly isBare: boolean;
}

/** What tasks need of the daemon around them. */
export interface Surroundings {
  /** containerd's namespace. */
  readonly namespace: string;
  /** containerd's socket; absent where there is none. */
  readonly address?: string;
  /** What a VAS's life says about it, for those who end it. */
  readonly note?: string;
  readonly exits: ExitSource;
  readonly engine: Engine;
  /** Whether containerd already has some content and would fail to store it again; absent if it would not. */
  readonly hasContent?: (digest: string) => Promise<boolean>;
  /** The image of a container; resolves with undefined if that is not known. Absent where there is nobody to ask. */
  readonly imageOf?: (containerId: string) => Promise<ContainerImage | undefined>;
  /** Hears of the bundle of each container that is being created. */
  readonly onBundle?: (bundle: Bundle) => void;
  /** Queues an event for containerd; events arrive in the order of the calls. */
  publish(event: TaskEvent): void;
}
