// SPDX-License-Identifier: Apache-2.0

/** Little-endian words of 64 bits, as structures of the kernel have them. */
export function words(...values: readonly bigint[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(values).buffer);
}

/** A view on bytes that reads little-endian numbers. */
export function reader(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
