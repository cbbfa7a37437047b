// SPDX-License-Identifier: Apache-2.0
// Generated from proto/; do not edit.
import { CONTAINER_EVENTS_MESSAGES } from './container-events.js';
import { EVENTS_MESSAGES } from './events.js';
import { LEASES_MESSAGES } from './leases.js';
import { PROCESS_MESSAGES } from './process.js';
import { TASKS_MESSAGES } from './tasks.js';
import { ANY_MESSAGES } from '../../../common/messages/any.js';
import { CONTAINERS_MESSAGES } from '../../../common/messages/containers.js';
import { CONTENT_MESSAGES } from '../../../common/messages/content.js';
import { EMPTY_MESSAGES } from '../../../common/messages/empty.js';
import { FIELD_MASK_MESSAGES } from '../../../common/messages/field-mask.js';
import { MOUNT_MESSAGES } from '../../../common/messages/mount.js';
import { MVAS_OPTIONS_MESSAGES } from '../../../common/messages/mvas-options.js';
import { MVAS_TASK_MESSAGES } from '../../../common/messages/mvas-task.js';
import { RUNC_OPTIONS_MESSAGES } from '../../../common/messages/runc-options.js';
import { SNAPSHOTS_MESSAGES } from '../../../common/messages/snapshots.js';
import { TASK_MESSAGES } from '../../../common/messages/task.js';
import { TIMESTAMP_MESSAGES } from '../../../common/messages/timestamp.js';
import type * as ContainerEvents from './container-events.js';
import type * as Events from './events.js';
import type * as Leases from './leases.js';
import type * as Process from './process.js';
import type * as Tasks from './tasks.js';
import type * as Any from '../../../common/messages/any.js';
import type * as Containers from '../../../common/messages/containers.js';
import type * as Content from '../../../common/messages/content.js';
import type * as Empty from '../../../common/messages/empty.js';
import type * as FieldMask from '../../../common/messages/field-mask.js';
import type * as Mount from '../../../common/messages/mount.js';
import type * as MvasOptions from '../../../common/messages/mvas-options.js';
import type * as MvasTask from '../../../common/messages/mvas-task.js';
import type * as RuncOptions from '../../../common/messages/runc-options.js';
import type * as Snapshots from '../../../common/messages/snapshots.js';
import type * as Task from '../../../common/messages/task.js';
import type * as Timestamp from '../../../common/messages/timestamp.js';

/** Message name to interface. */
export interface ContainerdMessages {
  'containerd.events.ContainerUpdate': ContainerEvents.ContainerUpdate;
  'containerd.events.ContainerUpdate.LabelsEntry': ContainerEvents.ContainerUpdateLabelsEntry;
  'containerd.services.events.v1.PublishRequest': Events.PublishRequest;
  'containerd.services.leases.v1.Lease': Leases.Lease;
  'containerd.services.leases.v1.Lease.LabelsEntry': Leases.LeaseLabelsEntry;
  'containerd.services.leases.v1.CreateRequest': Leases.CreateRequest;
  'containerd.services.leases.v1.CreateRequest.LabelsEntry': Leases.CreateRequestLabelsEntry;
  'containerd.services.leases.v1.CreateResponse': Leases.CreateResponse;
  'containerd.services.leases.v1.DeleteRequest': Leases.DeleteRequest;
  'containerd.services.leases.v1.ListRequest': Leases.ListRequest;
  'containerd.services.leases.v1.ListResponse': Leases.ListResponse;
  'containerd.services.leases.v1.Resource': Leases.Resource;
  'containerd.services.leases.v1.AddResourceRequest': Leases.AddResourceRequest;
  'containerd.services.leases.v1.ListResourcesRequest': Leases.ListResourcesRequest;
  'containerd.services.leases.v1.ListResourcesResponse': Leases.ListResourcesResponse;
  'containerd.v1.types.Process': Process.Process;
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
  'containerd.services.content.v1.Info': Content.Info;
  'containerd.services.content.v1.InfoRequest': Content.InfoRequest;
  'containerd.services.content.v1.InfoResponse': Content.InfoResponse;
  'containerd.services.content.v1.ListContentRequest': Content.ListContentRequest;
  'containerd.services.content.v1.ListContentResponse': Content.ListContentResponse;
  'containerd.services.content.v1.ReadContentRequest': Content.ReadContentRequest;
  'containerd.services.content.v1.ReadContentResponse': Content.ReadContentResponse;
  'google.protobuf.Empty': Empty.Empty;
  'google.protobuf.FieldMask': FieldMask.FieldMask;
  'containerd.types.Mount': Mount.Mount;
  'mvas.v1.Options': MvasOptions.Options;
  'mvas.v1.CheckpointOptions': MvasOptions.CheckpointOptions;
  'mvas.task.v1.RollbackRequest': MvasTask.RollbackRequest;
  'mvas.task.v1.RollbackResponse': MvasTask.RollbackResponse;
  'containerd.runc.v1.Options': RuncOptions.Options;
  'containerd.runc.v1.CheckpointOptions': RuncOptions.CheckpointOptions;
  'containerd.runc.v1.ProcessDetails': RuncOptions.ProcessDetails;
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
  'containerd.services.snapshots.v1.ListSnapshotsRequest': Snapshots.ListSnapshotsRequest;
  'containerd.services.snapshots.v1.ListSnapshotsResponse': Snapshots.ListSnapshotsResponse;
  'containerd.services.snapshots.v1.UpdateSnapshotRequest': Snapshots.UpdateSnapshotRequest;
  'containerd.services.snapshots.v1.UpdateSnapshotResponse': Snapshots.UpdateSnapshotResponse;
  'containerd.task.v2.StateRequest': Task.StateRequest;
  'containerd.task.v2.StateResponse': Task.StateResponse;
  'containerd.task.v2.CreateTaskRequest': Task.CreateTaskRequest;
  'containerd.task.v2.CreateTaskResponse': Task.CreateTaskResponse;
  'containerd.task.v2.StartRequest': Task.StartRequest;
  'containerd.task.v2.StartResponse': Task.StartResponse;
  'containerd.task.v2.DeleteRequest': Task.DeleteRequest;
  'containerd.task.v2.DeleteResponse': Task.DeleteResponse;
  'containerd.task.v2.PidsRequest': Task.PidsRequest;
  'containerd.task.v2.ProcessInfo': Task.ProcessInfo;
  'containerd.task.v2.PidsResponse': Task.PidsResponse;
  'containerd.task.v2.PauseRequest': Task.PauseRequest;
  'containerd.task.v2.ResumeRequest': Task.ResumeRequest;
  'containerd.task.v2.CheckpointTaskRequest': Task.CheckpointTaskRequest;
  'containerd.task.v2.KillRequest': Task.KillRequest;
  'containerd.task.v2.ExecProcessRequest': Task.ExecProcessRequest;
  'containerd.task.v2.ResizePtyRequest': Task.ResizePtyRequest;
  'containerd.task.v2.CloseIORequest': Task.CloseIORequest;
  'containerd.task.v2.UpdateTaskRequest': Task.UpdateTaskRequest;
  'containerd.task.v2.UpdateTaskRequest.AnnotationsEntry': Task.UpdateTaskRequestAnnotationsEntry;
  'containerd.task.v2.WaitRequest': Task.WaitRequest;
  'containerd.task.v2.WaitResponse': Task.WaitResponse;
  'containerd.task.v2.StatsRequest': Task.StatsRequest;
  'containerd.task.v2.StatsResponse': Task.StatsResponse;
  'containerd.task.v2.ConnectRequest': Task.ConnectRequest;
  'containerd.task.v2.ConnectResponse': Task.ConnectResponse;
  'containerd.task.v2.ShutdownRequest': Task.ShutdownRequest;
  'google.protobuf.Timestamp': Timestamp.Timestamp;
}

/** Field tables of all messages. */
export const CONTAINERD_MESSAGES = {
  ...CONTAINER_EVENTS_MESSAGES,
  ...EVENTS_MESSAGES,
  ...LEASES_MESSAGES,
  ...PROCESS_MESSAGES,
  ...TASKS_MESSAGES,
  ...ANY_MESSAGES,
  ...CONTAINERS_MESSAGES,
  ...CONTENT_MESSAGES,
  ...EMPTY_MESSAGES,
  ...FIELD_MASK_MESSAGES,
  ...MOUNT_MESSAGES,
  ...MVAS_OPTIONS_MESSAGES,
  ...MVAS_TASK_MESSAGES,
  ...RUNC_OPTIONS_MESSAGES,
  ...SNAPSHOTS_MESSAGES,
  ...TASK_MESSAGES,
  ...TIMESTAMP_MESSAGES,
} as const;
