// SPDX-License-Identifier: Apache-2.0
// Generated from proto/services/events.proto; do not edit.
/** containerd's events, as a client publishes them. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Any } from '../../../common/messages/any.js';

/** `containerd.services.events.v1.PublishRequest`. */
export interface PublishRequest {
  topic: string;
  event?: Partial<Any> | undefined;
}

export const PublishRequest = 'containerd.services.events.v1.PublishRequest';

/** Field tables of this file's messages. */
export const EVENTS_MESSAGES = {
  'containerd.services.events.v1.PublishRequest': [
    ['topic', 1, 'implicit', 'string'],
    ['event', 2, 'optional', 'google.protobuf.Any'],
  ],
} as const satisfies MessageTables;
