// SPDX-License-Identifier: Apache-2.0
// Generated from proto/services/content.proto; do not edit.
/** What the shim asks containerd's content store. */
import type { MessageTables } from '../../../common/wire/tables.js';

/** `containerd.services.content.v1.InfoRequest`. */
export interface InfoRequest {
  digest: string;
}

export const InfoRequest = 'containerd.services.content.v1.InfoRequest';

/** Field tables of this file's messages. */
export const CONTENT_MESSAGES = {
  'containerd.services.content.v1.InfoRequest': [['digest', 1, 'implicit', 'string']],
} as const satisfies MessageTables;
