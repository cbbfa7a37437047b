// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import type {
  CheckpointRequest,
  CheckpointResult,
  PendingRestore,
  RestoreRequest,
  SnapshotRecord,
  SpareVas,
} from '../../criu/index.js';
import type { TaskEvent } from '../events/topics.js';
import type { Exit } from '../reaper.js';

/** The checkpoint/restore engine, loaded when first used. */
export interface Engine {
  checkpoint(request: CheckpointRequest): Promise<CheckpointResult>;
  /** Begins to make an empty VAS for the next checkpoint; to be dropped if there is none. */
  spareVas(): Promise<Pick<SpareVas, 'take' | 'drop'>>;
  beginRestore(request: RestoreRequest): Promise<PendingRestore>;
  copyTree(places: { readonly from: string; readonly to: string }): Promise<void>;
  findSnapshot(
    wanted: string,
    owner: string,
  ): Promise<{ readonly record: SnapshotRecord; readonly imagePath: string }>;
}

/** Reports when a process ends. */
export interface ExitSource {
  exitOf(pid: HostPid): Promise<Exit>;
  launching(work: () => Promise<HostPid>): Promise<HostPid>;
}

/** What tasks need of the daemon around them. */
export interface Surroundings {
  /** containerd's namespace. */
  readonly namespace: string;
  readonly exits: ExitSource;
  readonly engine: Engine;
  /** Whether containerd already has some content and would fail to store it again; absent if it would not. */
  readonly hasContent?: (digest: string) => Promise<boolean>;
  /** Queues an event for containerd; events arrive in the order of the calls. */
  publish(event: TaskEvent): void;
}
