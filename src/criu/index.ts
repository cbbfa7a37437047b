// SPDX-License-Identifier: Apache-2.0

/**
 * The only entrance to the checkpoint/restore engine. It knows nothing about containerd: callers pass process ids,
 * cgroups and paths. Works only on Linux. constants.ts is available without loading it.
 */
export type { CheckpointRequest, CheckpointResult, InTurn } from './checkpoint/request.js';
export type { ProcessSpec } from './resources/attributes.js';
export type { DonorRuntime } from './restore/donor/donor.js';
export type { Predecessor } from './restore/predecessor.js';
export type { PendingRestore } from './restore/pending-restore.js';
export type {
  CloneRequest,
  FinishRequest,
  RestoredTask,
  RestoreRequest,
} from './restore/restore-request.js';
export { diffLayers, type FileDiff } from './changes/layer-diff.js';
export { addLayer } from './changes/add-layer.js';
export { copyTree } from './changes/tree-copy.js';
export { checkpoint } from './checkpoint/checkpoint.js';
export { Series } from './checkpoint/series.js';
export { compareCheckpoints, type ProcessDiff } from './compare/compare.js';
export { learnKernelObjects } from './learn-kernel.js';
export { learnUsualFlags } from './memory/live/sample-areas.js';
export { rehearseCheckpoints } from './rehearsal/rehearse-checkpoints.js';
export { rehearseRestore } from './restore/rehearsal/rehearse.js';
export { beginRestore, restore, validateImage } from './restore/restore.js';
export type { Segment } from './vas/segments.js';
export type { ProcessRecord, VasEntry, VasRecord } from './vas/store.js';
export { vasDirectory, vasRoot } from './vas/directory.js';
export { failsAlways, noteStart } from './vas/failed-starts.js';
export { removeLeftovers, reserveSnapshot, type Reservation } from './vas/reservation.js';
export { parseShared, type SnapshotUser } from './vas/snapshot-access.js';
export { findSnapshot, imageOf, keepSnapshot, listSnapshots } from './vas/snapshots.js';
export {
  whileAlone,
  writeSnapshot,
  type SnapshotFacts,
  type SnapshotRecord,
} from './vas/snapshot-record.js';
export {
  changeLife,
  changeNote,
  judgeLife,
  lifeOf,
  lookAgain,
  type Life,
  type LifeRequest,
} from './vas/life.js';
export { noteUse } from './vas/life-record.js';
export { logEnd } from './vas/end-log.js';
export { beginUse, whileUnused } from './vas/uses.js';
export { runMvas } from './vas/command.js';
export { SpareVas } from './vas/spare.js';
export { takenBy, type Holding } from './vas/taken.js';
export { inspectVas, listVases, readSegments, removeVas } from './vas/store.js';
export { readSpec } from './spec.js';
export {
  KernelDevice,
  type KernelKind,
  type KernelObject,
  type NewSegment,
} from './vas/kernel-device.js';
export { surveyHost, type HostSurvey } from './survey.js';
