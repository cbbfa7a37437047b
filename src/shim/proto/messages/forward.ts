// SPDX-License-Identifier: Apache-2.0
// Generated from proto/events/forward.proto; do not edit.
/** Package `containerd.services.events.ttrpc.v1`. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Any } from '../../../common/messages/any.js';
import type { Timestamp } from '../../../common/messages/timestamp.js';

/** `containerd.services.events.ttrpc.v1.Envelope`. */
export interface Envelope {
  timestamp?: Partial<Timestamp> | undefined;
  namespace: string;
  topic: string;
  event?: Partial<Any> | undefined;
}

export const Envelope = 'containerd.services.events.ttrpc.v1.Envelope';

/** `containerd.services.events.ttrpc.v1.ForwardRequest`. */
export interface ForwardRequest {
  envelope?: Partial<Envelope> | undefined;
}

export const ForwardRequest = 'containerd.services.events.ttrpc.v1.ForwardRequest';

/** Field tables of this file's messages. */
export const FORWARD_MESSAGES = {
  'containerd.services.events.ttrpc.v1.Envelope': [
    ['timestamp', 1, 'optional', 'google.protobuf.Timestamp'],
    ['namespace', 2, 'implicit', 'string'],
    ['topic', 3, 'implicit', 'string'],
    ['event', 4, 'optional', 'google.protobuf.Any'],
  ],
  'containerd.services.events.ttrpc.v1.ForwardRequest': [
    ['envelope', 1, 'optional', 'containerd.services.events.ttrpc.v1.Envelope'],
  ],
} as const satisfies MessageTables;
