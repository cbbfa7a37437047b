// SPDX-License-Identifier: Apache-2.0
// Generated from proto/; do not edit.
import { ANY_MESSAGES } from './any.js';
import { CONTAINERS_MESSAGES } from './containers.js';
import { EMPTY_MESSAGES } from './empty.js';
import { FIELD_MASK_MESSAGES } from './field-mask.js';
import { LEASES_MESSAGES } from './leases.js';
import { MOUNT_MESSAGES } from './mount.js';
import { MVAS_OPTIONS_MESSAGES } from './mvas-options.js';
import { MVAS_TASK_MESSAGES } from './mvas-task.js';
import { PROCESS_MESSAGES } from './process.js';
import { RUNC_OPTIONS_MESSAGES } from './runc-options.js';
import { SHIM_MESSAGES } from './shim.js';
import { SNAPSHOTS_MESSAGES } from './snapshots.js';
import { TASKS_MESSAGES } from './tasks.js';
import { TIMESTAMP_MESSAGES } from './timestamp.js';
import type * as Any from './any.js';
import type * as Containers from './containers.js';
import type * as Empty from './empty.js';
import type * as FieldMask from './field-mask.js';
import type * as Leases from './leases.js';
import type * as Mount from './mount.js';
import type * as MvasOptions from './mvas-options.js';
import type * as MvasTask from './mvas-task.js';
import type * as Process from './process.js';
import type * as RuncOptions from './runc-options.js';
import type * as Shim from './shim.js';
import type * as Snapshots from './snapshots.js';
import type * as Tasks from './tasks.js';
import type * as Timestamp from './timestamp.js';

/** Message name to interface. */
export interface ContainerdMessages {
  'google.protobuf.Any': Any.Any;
  'containerd.services.containers.v1.Runtime': Containers.Runtime;
  'containerd.services.containers.v1.Container': Containers.Container;
  'containerd.services.containers.v1.Container.LabelsEntry': Containers.ContainerLabelsEntry;
  'containerd.services.containers.v1.Container.ExtensionsEntry': Containers.ContainerExtensionsEntry;
  'containerd.services.containers.v1.GetContainerRequest': Containers.GetContainerRequest;
  'containerd.services.containers.v1.GetContainerResponse': Containers.GetContainerResponse;
  'containerd.services.containers.v1.ListContainersRequest': Containers.ListContainersRequest;
  'containerd.services.containers.v1.ListContainersResponse': Containers.ListContainersResponse;
  'containerd.services.containers.v1.CreateContainerRequest': Containers.CreateContainerRequest;
  'containerd.services.containers.v1.CreateContainerResponse': Containers.CreateContainerResponse;
  'containerd.services.containers.v1.UpdateContainerRequest': Containers.UpdateContainerRequest;
  'containerd.services.containers.v1.UpdateContainerResponse': Containers.UpdateContainerResponse;
  'containerd.services.containers.v1.DeleteContainerRequest': Containers.DeleteContainerRequest;
  'google.protobuf.Empty': Empty.Empty;
  'google.protobuf.FieldMask': FieldMask.FieldMask;
  'containerd.services.leases.v1.Lease': Leases.Lease;
  'containerd.services.leases.v1.Lease.LabelsEntry': Leases.LeaseLabelsEntry;
  'containerd.services.leases.v1.CreateRequest': Leases.CreateRequest;
  'containerd.services.leases.v1.CreateRequest.LabelsEntry': Leases.CreateRequestLabelsEntry;
  'containerd.services.leases.v1.CreateResponse': Leases.CreateResponse;
  'containerd.services.leases.v1.DeleteRequest': Leases.DeleteRequest;
  'containerd.services.leases.v1.ListRequest': Leases.ListRequest;
  'containerd.services.leases.v1.ListResponse': Leases.ListResponse;
  'containerd.types.Mount': Mount.Mount;
  'mvas.v1.Options': MvasOptions.Options;
  'mvas.v1.CheckpointOptions': MvasOptions.CheckpointOptions;
  'mvas.task.v1.RollbackRequest': MvasTask.RollbackRequest;
  'mvas.task.v1.RollbackResponse': MvasTask.RollbackResponse;
  'containerd.v1.types.Process': Process.Process;
  'containerd.runc.v1.Options': RuncOptions.Options;
  'containerd.runc.v1.CheckpointOptions': RuncOptions.CheckpointOptions;
  'containerd.runc.v1.ProcessDetails': RuncOptions.ProcessDetails;
  'containerd.task.v2.StateRequest': Shim.StateRequest;
  'containerd.task.v2.StateResponse': Shim.StateResponse;
  'containerd.task.v2.CreateTaskRequest': Shim.CreateTaskRequest;
  'containerd.task.v2.CreateTaskResponse': Shim.CreateTaskResponse;
  'containerd.task.v2.StartRequest': Shim.StartRequest;
  'containerd.task.v2.StartResponse': Shim.StartResponse;
  'containerd.task.v2.DeleteRequest': Shim.DeleteRequest;
  'containerd.task.v2.DeleteResponse': Shim.DeleteResponse;
  'containerd.task.v2.PidsRequest': Shim.PidsRequest;
  'containerd.task.v2.ProcessInfo': Shim.ProcessInfo;
  'containerd.task.v2.PidsResponse': Shim.PidsResponse;
  'containerd.task.v2.PauseRequest': Shim.PauseRequest;
  'containerd.task.v2.ResumeRequest': Shim.ResumeRequest;
  'containerd.task.v2.CheckpointTaskRequest': Shim.CheckpointTaskRequest;
  'containerd.task.v2.KillRequest': Shim.KillRequest;
  'containerd.task.v2.ExecProcessRequest': Shim.ExecProcessRequest;
  'containerd.task.v2.ResizePtyRequest': Shim.ResizePtyRequest;
  'containerd.task.v2.CloseIORequest': Shim.CloseIORequest;
  'containerd.task.v2.UpdateTaskRequest': Shim.UpdateTaskRequest;
  'containerd.task.v2.UpdateTaskRequest.AnnotationsEntry': Shim.UpdateTaskRequestAnnotationsEntry;
  'containerd.task.v2.WaitRequest': Shim.WaitRequest;
  'containerd.task.v2.WaitResponse': Shim.WaitResponse;
  'containerd.task.v2.StatsRequest': Shim.StatsRequest;
  'containerd.task.v2.StatsResponse': Shim.StatsResponse;
  'containerd.task.v2.ConnectRequest': Shim.ConnectRequest;
  'containerd.task.v2.ConnectResponse': Shim.ConnectResponse;
  'containerd.task.v2.ShutdownRequest': Shim.ShutdownRequest;
  'containerd.services.snapshots.v1.PrepareSnapshotRequest': Snapshots.PrepareSnapshotRequest;
  'containerd.services.snapshots.v1.PrepareSnapshotRequest.LabelsEntry': Snapshots.PrepareSnapshotRequestLabelsEntry;
  'containerd.services.snapshots.v1.PrepareSnapshotResponse': Snapshots.PrepareSnapshotResponse;
  'containerd.services.snapshots.v1.MountsRequest': Snapshots.MountsRequest;
  'containerd.services.snapshots.v1.MountsResponse': Snapshots.MountsResponse;
  'containerd.services.snapshots.v1.RemoveSnapshotRequest': Snapshots.RemoveSnapshotRequest;
  'containerd.services.snapshots.v1.CommitSnapshotRequest': Snapshots.CommitSnapshotRequest;
  'containerd.services.snapshots.v1.CommitSnapshotRequest.LabelsEntry': Snapshots.CommitSnapshotRequestLabelsEntry;
  'containerd.services.snapshots.v1.StatSnapshotRequest': Snapshots.StatSnapshotRequest;
  'containerd.services.snapshots.v1.Info': Snapshots.Info;
  'containerd.services.snapshots.v1.Info.LabelsEntry': Snapshots.InfoLabelsEntry;
  'containerd.services.snapshots.v1.StatSnapshotResponse': Snapshots.StatSnapshotResponse;
  'containerd.services.snapshots.v1.UpdateSnapshotRequest': Snapshots.UpdateSnapshotRequest;
  'containerd.services.snapshots.v1.UpdateSnapshotResponse': Snapshots.UpdateSnapshotResponse;
  'containerd.services.tasks.v1.CreateTaskRequest': Tasks.CreateTaskRequest;
  'containerd.services.tasks.v1.CreateTaskResponse': Tasks.CreateTaskResponse;
  'containerd.services.tasks.v1.StartRequest': Tasks.StartRequest;
  'containerd.services.tasks.v1.StartResponse': Tasks.StartResponse;
  'containerd.services.tasks.v1.GetRequest': Tasks.GetRequest;
  'containerd.services.tasks.v1.GetResponse': Tasks.GetResponse;
  'containerd.services.tasks.v1.DeleteTaskRequest': Tasks.DeleteTaskRequest;
  'containerd.services.tasks.v1.DeleteResponse': Tasks.DeleteResponse;
  'containerd.services.tasks.v1.KillRequest': Tasks.KillRequest;
  'containerd.services.tasks.v1.WaitRequest': Tasks.WaitRequest;
  'containerd.services.tasks.v1.WaitResponse': Tasks.WaitResponse;
  'google.protobuf.Timestamp': Timestamp.Timestamp;
}

/** Field tables of all messages. */
export const CONTAINERD_MESSAGES = {
  ...ANY_MESSAGES,
  ...CONTAINERS_MESSAGES,
  ...EMPTY_MESSAGES,
  ...FIELD_MASK_MESSAGES,
  ...LEASES_MESSAGES,
  ...MOUNT_MESSAGES,
  ...MVAS_OPTIONS_MESSAGES,
  ...MVAS_TASK_MESSAGES,
  ...PROCESS_MESSAGES,
  ...RUNC_OPTIONS_MESSAGES,
  ...SHIM_MESSAGES,
  ...SNAPSHOTS_MESSAGES,
  ...TASKS_MESSAGES,
  ...TIMESTAMP_MESSAGES,
} as const;
