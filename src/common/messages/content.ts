// SPDX-License-Identifier: Apache-2.0
// Generated from proto/services/content.proto; do not edit.
/** What we ask containerd's content store. */
import type { MessageTables } from '../wire/tables.js';
import type { Timestamp } from './timestamp.js';

/** `containerd.services.content.v1.Info`. */
export interface Info {
  digest: string;
  size: bigint;
  createdAt?: Partial<Timestamp> | undefined;
}

export const Info = 'containerd.services.content.v1.Info';

/** `containerd.services.content.v1.InfoRequest`. */
export interface InfoRequest {
  digest: string;
}

export const InfoRequest = 'containerd.services.content.v1.InfoRequest';

/** `containerd.services.content.v1.InfoResponse`. */
export interface InfoResponse {
  info?: Partial<Info> | undefined;
}

export const InfoResponse = 'containerd.services.content.v1.InfoResponse';

/** `containerd.services.content.v1.ListContentRequest`. */
export interface ListContentRequest {
  filters: readonly string[];
}

export const ListContentRequest = 'containerd.services.content.v1.ListContentRequest';

/** `containerd.services.content.v1.ListContentResponse`. */
export interface ListContentResponse {
  info: readonly Partial<Info>[];
}

export const ListContentResponse = 'containerd.services.content.v1.ListContentResponse';

/** `containerd.services.content.v1.ReadContentRequest`. */
export interface ReadContentRequest {
  digest: string;
  offset: bigint;
  size: bigint;
}

export const ReadContentRequest = 'containerd.services.content.v1.ReadContentRequest';

/** `containerd.services.content.v1.ReadContentResponse`. */
export interface ReadContentResponse {
  offset: bigint;
  data: Uint8Array;
}

export const ReadContentResponse = 'containerd.services.content.v1.ReadContentResponse';

/** Field tables of this file's messages. */
export const CONTENT_MESSAGES = {
  'containerd.services.content.v1.Info': [
    ['digest', 1, 'implicit', 'string'],
    ['size', 2, 'implicit', 'int64'],
    ['createdAt', 3, 'optional', 'google.protobuf.Timestamp'],
  ],
  'containerd.services.content.v1.InfoRequest': [['digest', 1, 'implicit', 'string']],
  'containerd.services.content.v1.InfoResponse': [
    ['info', 1, 'optional', 'containerd.services.content.v1.Info'],
  ],
  'containerd.services.content.v1.ListContentRequest': [['filters', 1, 'repeated', 'string']],
  'containerd.services.content.v1.ListContentResponse': [
    ['info', 1, 'repeated', 'containerd.services.content.v1.Info'],
  ],
  'containerd.services.content.v1.ReadContentRequest': [
    ['digest', 1, 'implicit', 'string'],
    ['offset', 2, 'implicit', 'int64'],
    ['size', 3, 'implicit', 'int64'],
  ],
  'containerd.services.content.v1.ReadContentResponse': [
    ['offset', 1, 'implicit', 'int64'],
    ['data', 2, 'implicit', 'bytes'],
  ],
} as const satisfies MessageTables;
