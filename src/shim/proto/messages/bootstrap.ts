// SPDX-License-Identifier: Apache-2.0
// Generated from proto/runtime/bootstrap/bootstrap.proto; do not edit.
/** Package `containerd.runtime.bootstrap.v1`. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Any } from '../../../common/messages/any.js';

/** `containerd.runtime.bootstrap.v1.Extension`. */
export interface Extension {
  value?: Partial<Any> | undefined;
}

export const Extension = 'containerd.runtime.bootstrap.v1.Extension';

/** `containerd.runtime.bootstrap.v1.BootstrapParams`. */
export interface BootstrapParams {
  instanceId: string;
  namespace: string;
  logLevel: number;
  containerdVersion: string;
  containerdTtrpcAddress: string;
  containerdGrpcAddress: string;
  containerdBinary: string;
  extensions: readonly Partial<Extension>[];
  socketDir?: string | undefined;
}

export const BootstrapParams = 'containerd.runtime.bootstrap.v1.BootstrapParams';

/** Field tables of this file's messages. */
export const BOOTSTRAP_MESSAGES = {
  'containerd.runtime.bootstrap.v1.Extension': [['value', 1, 'optional', 'google.protobuf.Any']],
  'containerd.runtime.bootstrap.v1.BootstrapParams': [
    ['instanceId', 1, 'implicit', 'string'],
    ['namespace', 2, 'implicit', 'string'],
    ['logLevel', 3, 'implicit', 'int32'],
    ['containerdVersion', 4, 'implicit', 'string'],
    ['containerdTtrpcAddress', 5, 'implicit', 'string'],
    ['containerdGrpcAddress', 6, 'implicit', 'string'],
    ['containerdBinary', 7, 'implicit', 'string'],
    ['extensions', 8, 'repeated', 'containerd.runtime.bootstrap.v1.Extension'],
    ['socketDir', 9, 'optional', 'string'],
  ],
} as const satisfies MessageTables;
