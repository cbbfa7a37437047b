// SPDX-License-Identifier: Apache-2.0
import { decodeMessage } from './decoder.js';
import { encodeMessage } from './encoder.js';
import { WireReader } from './reader.js';
import { Schema } from './schema.js';
import type { MessageTables } from './tables.js';
import { WireWriter } from './writer.js';

/** Who calls has bounded the bytes, and so is their content. */
const ANY_NUMBER = { messages: Infinity, values: Infinity, unknownFields: 'skip' } as const;

/** Codes messages of other programs, as protobuf libraries do, by tables instead of .proto files. */
export class LenientCodec<Messages> {
  readonly #schema: Schema<Messages>;

  constructor(tables: MessageTables) {
    this.#schema = new Schema<Messages>('lenient', tables);
  }

  /** Encodes a message; absent fields and fields with their default value take no bytes. */
  encode<N extends keyof Messages & string>(name: N, value: Partial<Messages[N]>): Uint8Array {
    const writer = new WireWriter();
    encodeMessage(this.#schema, name, value, writer);
    return writer.finish();
  }

  /**
   * Decodes a message; absent fields get their default, unknown fields are skipped.
   *
   * @throws ShimError `invalidArgument` for bytes that are not such a message.
   */
  decode<N extends keyof Messages & string>(name: N, bytes: Uint8Array): Messages[N] {
    const reader = new WireReader(bytes, 'message', 'invalidArgument');
    const decoding = { schema: this.#schema, reader, budget: { ...ANY_NUMBER } };
    return decodeMessage(decoding, name, bytes.length);
  }
}
