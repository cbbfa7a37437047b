// SPDX-License-Identifier: Apache-2.0
import { LenientCodec } from '../../common/wire/lenient-codec.js';
import { SHIM_MESSAGES, type ShimMessages } from './messages/index.js';
import type { AnyValue } from './values.js';

/**
 * The codec of containerd's messages. The shim reads no .proto file and loads no protobuf library: its start is a
 * hot path.
 */
const CODEC = new LenientCodec<ShimMessages>(SHIM_MESSAGES);

export type { ShimMessages };

/** The full name of a message. */
export type MessageName = keyof ShimMessages;

/** Encodes a message; absent fields and fields with their default value take no bytes. */
export function encode<N extends MessageName>(
  name: N,
  value: Partial<ShimMessages[N]>,
): Uint8Array {
  return CODEC.encode(name, value);
}

/**
 * Decodes a message; absent fields get their default, unknown fields are skipped.
 *
 * @throws ShimError `invalidArgument` for bytes that are not such a message.
 */
export function decode<N extends MessageName>(name: N, bytes: Uint8Array): ShimMessages[N] {
  return CODEC.decode(name, bytes);
}

/** A message as an Any. containerd uses bare full names as type URLs. */
export function anyOf<N extends MessageName>(name: N, value: Partial<ShimMessages[N]>): AnyValue {
  return { typeUrl: name, value: encode(name, value) };
}
