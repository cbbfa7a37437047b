// SPDX-License-Identifier: Apache-2.0
// Generated from proto/services/version.proto; do not edit.
/** How containerd says which one it is. */
import type { MessageTables } from '../../../common/wire/tables.js';

/** `containerd.services.version.v1.VersionResponse`. */
export interface VersionResponse {
  version: string;
}

export const VersionResponse = 'containerd.services.version.v1.VersionResponse';

/** Field tables of this file's messages. */
export const VERSION_MESSAGES = {
  'containerd.services.version.v1.VersionResponse': [['version', 1, 'implicit', 'string']],
} as const satisfies MessageTables;
