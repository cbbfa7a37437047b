// SPDX-License-Identifier: Apache-2.0

/** The only entrance to what mvas does through containerd. Loads gRPC, which takes a while. */
export { ContainerdApi, type Place } from './api.js';
export { publishEnd, type Ended } from './ends.js';
export { decodeNote, encodeNote, lookAtContainerd, type Note } from './note.js';
export { diffFiles } from './diff.js';
export { fork, type Clone, type ForkRequest } from './fork.js';
export { rehearseFork } from './rehearsal.js';
export {
  bridge,
  needsOf,
  originOf,
  readDescent,
  type Descendant,
  type Descent,
  type Needs,
} from './descent.js';
export { deleteDeadFiles, deleteDeadLeases } from './leases.js';
export type { Stage } from './stage.js';
export { taskOf, type Task } from './task.js';
export { rollBack, type RollbackRequest, type RolledBack } from './rollback.js';
export {
  dropFiles,
  findContainer,
  lastSnapshotOf,
  removeSnapshot,
  takeSnapshot,
  type SnapshotRequest,
} from './snapshot.js';
export { decodeTemplate } from './template.js';
export type { Network } from './spec.js';
