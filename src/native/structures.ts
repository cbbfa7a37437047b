// SPDX-License-Identifier: Apache-2.0

/** Little-endian words of 64 bits, as structures of the kernel have them. */
export function words(...values: readonly bigint[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value), index * 8);
  });
  return bytes;
}

/** A view on bytes that reads little-endian numbers. */
export function reader(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
