// SPDX-License-Identifier: Apache-2.0
// Generated from proto/; do not edit.
import { BOOTSTRAP_MESSAGES } from './bootstrap.js';
import { EVENTS_MESSAGES } from './events.js';
import { FORWARD_MESSAGES } from './forward.js';
import { METRICS_V1_MESSAGES } from './metrics-v1.js';
import { METRICS_V2_MESSAGES } from './metrics-v2.js';
import { RUNTIME_MESSAGES } from './runtime.js';
import { RUNTIME_OPTIONS_MESSAGES } from './runtime-options.js';
import { STATUS_MESSAGES } from './status.js';
import { TTRPC_MESSAGES } from './ttrpc.js';
import { VERSION_MESSAGES } from './version.js';
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
import type * as Bootstrap from './bootstrap.js';
import type * as Events from './events.js';
import type * as Forward from './forward.js';
import type * as MetricsV1 from './metrics-v1.js';
import type * as MetricsV2 from './metrics-v2.js';
import type * as Runtime from './runtime.js';
import type * as RuntimeOptions from './runtime-options.js';
import type * as Status from './status.js';
import type * as Ttrpc from './ttrpc.js';
import type * as Version from './version.js';
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
export interface ShimMessages {
  'containerd.runtime.bootstrap.v1.Extension': Bootstrap.Extension;
  'containerd.runtime.bootstrap.v1.BootstrapParams': Bootstrap.BootstrapParams;
  'containerd.events.TaskIO': Events.TaskIO;
  'containerd.events.TaskCreate': Events.TaskCreate;
  'containerd.events.TaskStart': Events.TaskStart;
  'containerd.events.TaskExit': Events.TaskExit;
  'containerd.events.TaskDelete': Events.TaskDelete;
  'containerd.events.TaskExecAdded': Events.TaskExecAdded;
  'containerd.events.TaskExecStarted': Events.TaskExecStarted;
  'containerd.events.TaskOOM': Events.TaskOOM;
  'containerd.events.TaskPaused': Events.TaskPaused;
  'containerd.events.TaskResumed': Events.TaskResumed;
  'containerd.events.TaskCheckpointed': Events.TaskCheckpointed;
  'containerd.services.events.ttrpc.v1.Envelope': Forward.Envelope;
  'containerd.services.events.ttrpc.v1.ForwardRequest': Forward.ForwardRequest;
  'io.containerd.cgroups.v1.Metrics': MetricsV1.Metrics;
  'io.containerd.cgroups.v1.HugetlbStat': MetricsV1.HugetlbStat;
  'io.containerd.cgroups.v1.PidsStat': MetricsV1.PidsStat;
  'io.containerd.cgroups.v1.CPUStat': MetricsV1.CPUStat;
  'io.containerd.cgroups.v1.CPUUsage': MetricsV1.CPUUsage;
  'io.containerd.cgroups.v1.Throttle': MetricsV1.Throttle;
  'io.containerd.cgroups.v1.MemoryStat': MetricsV1.MemoryStat;
  'io.containerd.cgroups.v1.MemoryEntry': MetricsV1.MemoryEntry;
  'io.containerd.cgroups.v1.MemoryOomControl': MetricsV1.MemoryOomControl;
  'io.containerd.cgroups.v1.BlkIOStat': MetricsV1.BlkIOStat;
  'io.containerd.cgroups.v1.BlkIOEntry': MetricsV1.BlkIOEntry;
  'io.containerd.cgroups.v2.Metrics': MetricsV2.Metrics;
  'io.containerd.cgroups.v2.PSIData': MetricsV2.PSIData;
  'io.containerd.cgroups.v2.PSIStats': MetricsV2.PSIStats;
  'io.containerd.cgroups.v2.PidsStat': MetricsV2.PidsStat;
  'io.containerd.cgroups.v2.CPUStat': MetricsV2.CPUStat;
  'io.containerd.cgroups.v2.MemoryStat': MetricsV2.MemoryStat;
  'io.containerd.cgroups.v2.MemoryEvents': MetricsV2.MemoryEvents;
  'io.containerd.cgroups.v2.IOStat': MetricsV2.IOStat;
  'io.containerd.cgroups.v2.IOEntry': MetricsV2.IOEntry;
  'io.containerd.cgroups.v2.HugeTlbStat': MetricsV2.HugeTlbStat;
  'containerd.types.RuntimeVersion': Runtime.RuntimeVersion;
  'containerd.types.RuntimeInfo': Runtime.RuntimeInfo;
  'runtimeoptions.v1.Options': RuntimeOptions.Options;
  'google.rpc.Status': Status.Status;
  'ttrpc.KeyValue': Ttrpc.KeyValue;
  'ttrpc.Request': Ttrpc.Request;
  'ttrpc.Response': Ttrpc.Response;
  'containerd.services.version.v1.VersionResponse': Version.VersionResponse;
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
export const SHIM_MESSAGES = {
  ...BOOTSTRAP_MESSAGES,
  ...EVENTS_MESSAGES,
  ...FORWARD_MESSAGES,
  ...METRICS_V1_MESSAGES,
  ...METRICS_V2_MESSAGES,
  ...RUNTIME_MESSAGES,
  ...RUNTIME_OPTIONS_MESSAGES,
  ...STATUS_MESSAGES,
  ...TTRPC_MESSAGES,
  ...VERSION_MESSAGES,
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
