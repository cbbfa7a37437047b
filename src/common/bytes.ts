// SPDX-License-Identifier: Apache-2.0
import { isAscii, isUtf8 } from 'node:buffer';

/**
 * Names in Linux are bytes, not text: a path or a comm need not be UTF-8 (a comm is cut after 15
 * bytes, in the middle of a character if it must be). These two functions convert such names to
 * strings and back without loss: each byte that is not part of valid UTF-8 becomes a lone low surrogate,
 * U+DC80 to U+DCFF, which valid UTF-8 never produces.
 */
const ESCAPE_BASE = 0xdc00;

/** Decodes UTF-8; bytes that are not UTF-8 become lone surrogates. Inverse: {@link encodeBytes}. */
export function decodeBytes(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isAscii(buffer)) return buffer.toString('latin1'); // The fastest way, for texts of megabytes.
  if (isUtf8(buffer)) return buffer.toString('utf8');
  const parts: string[] = [];
  for (let at = 0; at < buffer.length;) {
    const length = characterLength(buffer, at);
    parts.push(
      length === 0
        ? String.fromCharCode(ESCAPE_BASE + (buffer[at] ?? 0))
        : buffer.toString('utf8', at, at + length),
    );
    at += Math.max(length, 1);
  }
  return parts.join('');
}

/**
 * Encodes a string made by {@link decodeBytes} as exactly the bytes it came from. Use it for every
 * path from /proc that goes to a system call: `fs.openSync(encodeBytes(vma.path))`.
 */
export function encodeBytes(text: string): Buffer {
  if (!/\p{Surrogate}/u.test(text)) return Buffer.from(text, 'utf8');
  const parts = Array.from(text, (character) => {
    const byte = (character.codePointAt(0) ?? 0) - ESCAPE_BASE;
    return byte >= 0x80 && byte <= 0xff ? Buffer.of(byte) : Buffer.from(character, 'utf8');
  });
  return Buffer.concat(parts);
}

/**
 * Makes a name from {@link decodeBytes} fit for messages: bytes that are not UTF-8, and characters that are
 * invisible or move the text around them, become `\\xff` or `\\u{202e}`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const byte = code > 0xdc7f && code < 0xdd00 ? code - ESCAPE_BASE : code;
    return byte < 0x80 || byte !== code ? `\\x${hex(byte).padStart(2, '0')}` : `\\u{${hex(code)}}`;
  });
}

function hex(code: number): string {
  return code.toString(16);
}

/** Length in bytes of the valid UTF-8 character that starts at `at`, 0 if none does. */
function characterLength(buffer: Buffer, at: number): number {
  const first = buffer[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > buffer.length) return 0;
  return isUtf8(buffer.subarray(at, at + length)) ? length : 0;
}
