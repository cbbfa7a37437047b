// SPDX-License-Identifier: Apache-2.0
// Generated from proto/types/runtime.proto; do not edit.
/** Package `containerd.types`. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Any } from '../../../common/messages/any.js';

/** `containerd.types.RuntimeVersion`. */
export interface RuntimeVersion {
  version: string;
  revision: string;
}

export const RuntimeVersion = 'containerd.types.RuntimeVersion';

/** Annotations (5) are not offered by this shim. */
export interface RuntimeInfo {
  name: string;
  version?: Partial<RuntimeVersion> | undefined;
  options?: Partial<Any> | undefined;
  features?: Partial<Any> | undefined;
}

export const RuntimeInfo = 'containerd.types.RuntimeInfo';

/** Field tables of this file's messages. */
export const RUNTIME_MESSAGES = {
  'containerd.types.RuntimeVersion': [
    ['version', 1, 'implicit', 'string'],
    ['revision', 2, 'implicit', 'string'],
  ],
  'containerd.types.RuntimeInfo': [
    ['name', 1, 'implicit', 'string'],
    ['version', 2, 'optional', 'containerd.types.RuntimeVersion'],
    ['options', 3, 'optional', 'google.protobuf.Any'],
    ['features', 4, 'optional', 'google.protobuf.Any'],
  ],
} as const satisfies MessageTables;
