// SPDX-License-Identifier: Apache-2.0
// Generated from proto/; do not edit.
import { SERVICE_MESSAGES } from './service.js';
import { TIMESTAMP_MESSAGES } from '../../../common/messages/timestamp.js';
import type * as Service from './service.js';
import type * as Timestamp from '../../../common/messages/timestamp.js';

/** Message name to interface. */
export interface ApiMessages {
  'mvas.v1.Failure': Service.Failure;
  'mvas.v1.SnapshotRequest': Service.SnapshotRequest;
  'mvas.v1.SnapshotResponse': Service.SnapshotResponse;
  'mvas.v1.Snapshot': Service.Snapshot;
  'mvas.v1.ForkRequest': Service.ForkRequest;
  'mvas.v1.ForkRequest.LabelsEntry': Service.ForkRequestLabelsEntry;
  'mvas.v1.ForkResponse': Service.ForkResponse;
  'mvas.v1.Clone': Service.Clone;
  'mvas.v1.RollbackRequest': Service.RollbackRequest;
  'mvas.v1.RollbackResponse': Service.RollbackResponse;
  'mvas.v1.RolledBack': Service.RolledBack;
  'mvas.v1.ListRequest': Service.ListRequest;
  'mvas.v1.ListResponse': Service.ListResponse;
  'mvas.v1.Vas': Service.Vas;
  'mvas.v1.InspectRequest': Service.InspectRequest;
  'mvas.v1.InspectResponse': Service.InspectResponse;
  'mvas.v1.VasDetails': Service.VasDetails;
  'mvas.v1.Segment': Service.Segment;
  'mvas.v1.RemoveRequest': Service.RemoveRequest;
  'mvas.v1.RemoveResponse': Service.RemoveResponse;
  'mvas.v1.PruneRequest': Service.PruneRequest;
  'mvas.v1.PruneResponse': Service.PruneResponse;
  'mvas.v1.TreeRequest': Service.TreeRequest;
  'mvas.v1.TreeResponse': Service.TreeResponse;
  'mvas.v1.Node': Service.Node;
  'mvas.v1.DiffRequest': Service.DiffRequest;
  'mvas.v1.DiffResponse': Service.DiffResponse;
  'mvas.v1.Differences': Service.Differences;
  'mvas.v1.FileDifference': Service.FileDifference;
  'mvas.v1.ProcessDifference': Service.ProcessDifference;
  'mvas.v1.WatchRequest': Service.WatchRequest;
  'mvas.v1.WatchResponse': Service.WatchResponse;
  'google.protobuf.Timestamp': Timestamp.Timestamp;
}

/** Field tables of all messages. */
export const API_MESSAGES = {
  ...SERVICE_MESSAGES,
  ...TIMESTAMP_MESSAGES,
} as const;
