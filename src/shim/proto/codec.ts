// SPDX-License-Identifier: Apache-2.0
import { decodeMessage } from '../../common/wire/decoder.js';
import { encodeMessage } from '../../common/wire/encoder.js';
import { WireReader } from '../../common/wire/reader.js';
import { Schema } from '../../common/wire/schema.js';
import { WireWriter } from '../../common/wire/writer.js';
import { SHIM_MESSAGES, type ShimMessages } from './messages/index.js';
import type { AnyValue } from './values.js';

/**
 * The codec of containerd's messages. The shim reads no .proto file and loads no protobuf library: its start is a
 * hot path.
 */
const SCHEMA = new Schema<ShimMessages>('lenient', SHIM_MESSAGES);
/** Frames are bounded, and so is their content. */
const ANY_NUMBER = { messages: Infinity, values: Infinity, unknownFields: 'skip' } as const;

export type { ShimMessages };

/** The full name of a message. */
export type MessageName = keyof ShimMessages;

/** Encodes a message; absent fields and fields with their default value take no bytes. */
export function encode<N extends MessageName>(
  name: N,
  value: Partial<ShimMessages[N]>,
): Uint8Array {
  const writer = new WireWriter();
  encodeMessage(SCHEMA, name, value, writer);
  return writer.finish();
}

/**
 * Decodes a message; absent fields get their default, unknown fields are skipped.
 *
 * @throws ShimError `invalidArgument` for bytes that are not such a message.
 */
export function decode<N extends MessageName>(name: N, bytes: Uint8Array): ShimMessages[N] {
  const reader = new WireReader(bytes, 'message', 'invalidArgument');
  return decodeMessage({ schema: SCHEMA, reader, budget: { ...ANY_NUMBER } }, name, bytes.length);
}

/** A message as an Any. containerd uses bare full names as type URLs. */
export function anyOf<N extends MessageName>(name: N, value: Partial<ShimMessages[N]>): AnyValue {
  return { typeUrl: name, value: encode(name, value) };
}
