// SPDX-License-Identifier: Apache-2.0

/**
 * The frame of ttrpc, all numbers big endian:
 *
 * ```
 * | length 4 | stream id 4 | type 1 | flags 1 | payload (length bytes) |
 * ```
 *
 * Source: containerd/ttrpc PROTOCOL.md. Pure: no sockets here.
 */

export const HEADER_BYTES = 10;
/** Both sides refuse larger payloads. */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

export const FRAME_TYPE = { request: 1, response: 2, data: 3 } as const;

/** A frame as received. */
export interface Frame {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** The announced length if it exceeds {@link MAX_PAYLOAD_BYTES}: then the payload was discarded. */
  readonly oversizeBytes?: number;
}

/** Encodes a frame. The caller has checked the size. */
export function encodeFrame(streamId: number, type: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  bytes.writeUInt32BE(payload.length, 0);
  bytes.writeUInt32BE(streamId, 4);
  bytes[8] = type;
  bytes[9] = 0;
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** Splits a byte stream into frames, whatever the sizes of its chunks. */
export class FrameDecoder {
  #chunks: Uint8Array[] = [];
  #available = 0;
  #discarding = 0;

  /** Takes the next bytes of the stream; returns the frames that are now complete. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    this.#chunks.push(chunk);
    this.#available += chunk.length;
    this.#discard();
    while (this.#discarding === 0 && this.#available >= HEADER_BYTES) {
      const frame = this.#next();
      if (frame === undefined) break;
      frames.push(frame);
      this.#discard();
    }
    return frames;
  }

  #next(): Frame | undefined {
    const header = this.#peek(HEADER_BYTES);
    const length = header.readUInt32BE(0);
    const head = { streamId: header.readUInt32BE(4), type: header[8] ?? 0, flags: header[9] ?? 0 };
    if (length > MAX_PAYLOAD_BYTES) {
      this.#take(HEADER_BYTES);
      this.#discarding = length;
      return { ...head, payload: new Uint8Array(0), oversizeBytes: length };
    }
    if (this.#available < HEADER_BYTES + length) return undefined;
    const bytes = this.#take(HEADER_BYTES + length);
    return { ...head, payload: bytes.subarray(HEADER_BYTES) };
  }

  /** Drops the available part of an oversize payload. */
  #discard(): void {
    const now = Math.min(this.#discarding, this.#available);
    if (now === 0) return;
    this.#take(now);
    this.#discarding -= now;
  }

  #peek(length: number): Buffer {
    const first = this.#chunks[0];
    if (first === undefined || first.length < length) this.#chunks = [Buffer.concat(this.#chunks)];
    const whole = this.#chunks[0] ?? new Uint8Array(0);
    return Buffer.from(whole.buffer, whole.byteOffset, length);
  }

  #take(length: number): Uint8Array {
    const [first] = this.#chunks;
    let whole = first ?? new Uint8Array(0);
    if (whole.length < length) {
      whole = Buffer.concat(this.#chunks);
      this.#chunks = [whole];
    }
    if (whole.length === length) this.#chunks.shift();
    else this.#chunks[0] = whole.subarray(length);
    this.#available -= length;
    return whole.subarray(0, length);
  }
}
