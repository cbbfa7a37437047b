// SPDX-License-Identifier: Apache-2.0

/**
 * The one door into the checkpoint/restore engine. Knows nothing of containerd: it is told process
 * ids, cgroups and paths, and works only on Linux. constants.ts is what can be had without loading it.
 */
export type { CheckpointRequest, CheckpointResult } from './checkpoint/request.js';
export type { ProcessSpec } from './resources/attributes.js';
export type { DonorRuntime } from './restore/donor/donor.js';
export type { PendingRestore } from './restore/pending-restore.js';
export type { FinishRequest, RestoredTask, RestoreRequest } from './restore/restore-request.js';
export { checkpoint } from './checkpoint/checkpoint.js';
export { beginRestore, restore, validateImage } from './restore/restore.js';
export type { Segment } from './vas/segments.js';
export type { ProcessRecord, VasEntry, VasRecord } from './vas/store.js';
export { inspectVas, listVases, readSegments, removeVas, vasDirectory } from './vas/store.js';
export { readSpec } from './spec.js';
export {
  KernelDevice,
  type KernelKind,
  type KernelObject,
  type NewSegment,
} from './vas/kernel-device.js';
export { surveyHost, type HostSurvey } from './survey.js';
