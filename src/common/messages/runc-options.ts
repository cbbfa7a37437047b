// SPDX-License-Identifier: Apache-2.0
// Generated from proto/runc/options.proto; do not edit.
/** Package `containerd.runc.v1`. */
import type { MessageTables } from '../wire/tables.js';

/** `containerd.runc.v1.Options`. */
export interface Options {
  noPivotRoot: boolean;
  noNewKeyring: boolean;
  shimCgroup: string;
  ioUid: number;
  ioGid: number;
  binaryName: string;
  root: string;
  systemdCgroup: boolean;
  criuImagePath: string;
  criuWorkPath: string;
}

export const Options = 'containerd.runc.v1.Options';

/** `containerd.runc.v1.CheckpointOptions`. */
export interface CheckpointOptions {
  exit: boolean;
  openTcp: boolean;
  externalUnixSockets: boolean;
  terminal: boolean;
  fileLocks: boolean;
  emptyNamespaces: readonly string[];
  cgroupsMode: string;
  imagePath: string;
  workPath: string;
  parentPath: string;
}

export const CheckpointOptions = 'containerd.runc.v1.CheckpointOptions';

/** `containerd.runc.v1.ProcessDetails`. */
export interface ProcessDetails {
  execId: string;
}

export const ProcessDetails = 'containerd.runc.v1.ProcessDetails';

/** Field tables of this file's messages. */
export const RUNC_OPTIONS_MESSAGES = {
  'containerd.runc.v1.Options': [
    ['noPivotRoot', 1, 'implicit', 'bool'],
    ['noNewKeyring', 2, 'implicit', 'bool'],
    ['shimCgroup', 3, 'implicit', 'string'],
    ['ioUid', 4, 'implicit', 'uint32'],
    ['ioGid', 5, 'implicit', 'uint32'],
    ['binaryName', 6, 'implicit', 'string'],
    ['root', 7, 'implicit', 'string'],
    ['systemdCgroup', 9, 'implicit', 'bool'],
    ['criuImagePath', 10, 'implicit', 'string'],
    ['criuWorkPath', 11, 'implicit', 'string'],
  ],
  'containerd.runc.v1.CheckpointOptions': [
    ['exit', 1, 'implicit', 'bool'],
    ['openTcp', 2, 'implicit', 'bool'],
    ['externalUnixSockets', 3, 'implicit', 'bool'],
    ['terminal', 4, 'implicit', 'bool'],
    ['fileLocks', 5, 'implicit', 'bool'],
    ['emptyNamespaces', 6, 'repeated', 'string'],
    ['cgroupsMode', 7, 'implicit', 'string'],
    ['imagePath', 8, 'implicit', 'string'],
    ['workPath', 9, 'implicit', 'string'],
    ['parentPath', 10, 'implicit', 'string'],
  ],
  'containerd.runc.v1.ProcessDetails': [['execId', 1, 'implicit', 'string']],
} as const satisfies MessageTables;
