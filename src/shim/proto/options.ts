// SPDX-License-Identifier: Apache-2.0
import { field, message } from './codec.js';

/** `containerd.runc.v1.Options`: the runtime options of a container or task. */
export const RuncOptions = message({
  noPivotRoot: field.bool(1),
  noNewKeyring: field.bool(2),
  shimCgroup: field.string(3),
  ioUid: field.uint32(4),
  ioGid: field.uint32(5),
  binaryName: field.string(6),
  root: field.string(7),
  systemdCgroup: field.bool(9),
  criuImagePath: field.string(10),
  criuWorkPath: field.string(11),
});

/** `mvas.v1.Options`: runtime options of this shim, with runc's own inside. */
export const MvasOptions = message({
  runc: field.message(1, RuncOptions),
  refuseCheckpoint: field.bool(2),
  exitAfterCheckpoint: field.bool(3),
  vasMemoryLimit: field.uint64(4),
  checkpointRetryMs: field.uint64(5),
});

/** `runtimeoptions.v1.Options`: how CRI hands on options of runtimes that it does not know. */
export const RuntimeOptions = message({
  configPath: field.string(2),
  /** TOML. */
  configBody: field.bytes(3),
});

/** `containerd.runc.v1.CheckpointOptions`. */
export const CheckpointOptions = message({
  exit: field.bool(1),
  openTcp: field.bool(2),
  externalUnixSockets: field.bool(3),
  terminal: field.bool(4),
  fileLocks: field.bool(5),
  emptyNamespaces: field.strings(6),
  cgroupsMode: field.string(7),
  imagePath: field.string(8),
  workPath: field.string(9),
  parentPath: field.string(10),
});

/** `containerd.runc.v1.ProcessDetails`. */
export const ProcessDetails = message({ execId: field.string(1) });

export const RUNC_OPTIONS_URL = 'containerd.runc.v1.Options';
export const MVAS_OPTIONS_URL = 'mvas.v1.Options';
export const RUNTIME_OPTIONS_URL = 'runtimeoptions.v1.Options';
export const CHECKPOINT_OPTIONS_URL = 'containerd.runc.v1.CheckpointOptions';
export const PROCESS_DETAILS_URL = 'containerd.runc.v1.ProcessDetails';
