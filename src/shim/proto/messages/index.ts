// SPDX-License-Identifier: Apache-2.0
// Generated from proto/; do not edit.
import { ANY_MESSAGES } from './any.js';
import { BOOTSTRAP_MESSAGES } from './bootstrap.js';
import { CONTENT_MESSAGES } from './content.js';
import { EMPTY_MESSAGES } from './empty.js';
import { EVENTS_MESSAGES } from './events.js';
import { FORWARD_MESSAGES } from './forward.js';
import { METRICS_V1_MESSAGES } from './metrics-v1.js';
import { METRICS_V2_MESSAGES } from './metrics-v2.js';
import { MOUNT_MESSAGES } from './mount.js';
import { MVAS_OPTIONS_MESSAGES } from './mvas-options.js';
import { MVAS_TASK_MESSAGES } from './mvas-task.js';
import { RUNC_OPTIONS_MESSAGES } from './runc-options.js';
import { RUNTIME_MESSAGES } from './runtime.js';
import { RUNTIME_OPTIONS_MESSAGES } from './runtime-options.js';
import { STATUS_MESSAGES } from './status.js';
import { TASK_MESSAGES } from './task.js';
import { TIMESTAMP_MESSAGES } from './timestamp.js';
import { TTRPC_MESSAGES } from './ttrpc.js';
import { VERSION_MESSAGES } from './version.js';
import type * as Any from './any.js';
import type * as Bootstrap from './bootstrap.js';
import type * as Content from './content.js';
import type * as Empty from './empty.js';
import type * as Events from './events.js';
import type * as Forward from './forward.js';
import type * as MetricsV1 from './metrics-v1.js';
import type * as MetricsV2 from './metrics-v2.js';
import type * as Mount from './mount.js';
import type * as MvasOptions from './mvas-options.js';
import type * as MvasTask from './mvas-task.js';
import type * as RuncOptions from './runc-options.js';
import type * as Runtime from './runtime.js';
import type * as RuntimeOptions from './runtime-options.js';
import type * as Status from './status.js';
import type * as Task from './task.js';
import type * as Timestamp from './timestamp.js';
import type * as Ttrpc from './ttrpc.js';
import type * as Version from './version.js';

/** Message name to interface. */
export interface ShimMessages {
  'google.protobuf.Any': Any.Any;
  'containerd.runtime.bootstrap.v1.Extension': Bootstrap.Extension;
  'containerd.runtime.bootstrap.v1.BootstrapParams': Bootstrap.BootstrapParams;
  'containerd.services.content.v1.InfoRequest': Content.InfoRequest;
  'google.protobuf.Empty': Empty.Empty;
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
  'containerd.types.Mount': Mount.Mount;
  'mvas.v1.Options': MvasOptions.Options;
  'mvas.v1.CheckpointOptions': MvasOptions.CheckpointOptions;
  'mvas.task.v1.RollbackRequest': MvasTask.RollbackRequest;
  'mvas.task.v1.RollbackResponse': MvasTask.RollbackResponse;
  'containerd.runc.v1.Options': RuncOptions.Options;
  'containerd.runc.v1.CheckpointOptions': RuncOptions.CheckpointOptions;
  'containerd.runc.v1.ProcessDetails': RuncOptions.ProcessDetails;
  'containerd.types.RuntimeVersion': Runtime.RuntimeVersion;
  'containerd.types.RuntimeInfo': Runtime.RuntimeInfo;
  'runtimeoptions.v1.Options': RuntimeOptions.Options;
  'google.rpc.Status': Status.Status;
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
  'ttrpc.KeyValue': Ttrpc.KeyValue;
  'ttrpc.Request': Ttrpc.Request;
  'ttrpc.Response': Ttrpc.Response;
  'containerd.services.version.v1.VersionResponse': Version.VersionResponse;
}

/** Field tables of all messages. */
export const SHIM_MESSAGES = {
  ...ANY_MESSAGES,
  ...BOOTSTRAP_MESSAGES,
  ...CONTENT_MESSAGES,
  ...EMPTY_MESSAGES,
  ...EVENTS_MESSAGES,
  ...FORWARD_MESSAGES,
  ...METRICS_V1_MESSAGES,
  ...METRICS_V2_MESSAGES,
  ...MOUNT_MESSAGES,
  ...MVAS_OPTIONS_MESSAGES,
  ...MVAS_TASK_MESSAGES,
  ...RUNC_OPTIONS_MESSAGES,
  ...RUNTIME_MESSAGES,
  ...RUNTIME_OPTIONS_MESSAGES,
  ...STATUS_MESSAGES,
  ...TASK_MESSAGES,
  ...TIMESTAMP_MESSAGES,
  ...TTRPC_MESSAGES,
  ...VERSION_MESSAGES,
} as const;
