// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/**
 * What the launcher (native/launcher/standby.c) and the standby say to each other:
 *
 *     request:  u32 length of the rest | u32 length of stdin | stdin | cwd \0 argument \0 argument \0 ...
 *     answer:   u32 length | text
 *
 * Numbers are little-endian. Pure.
 */
export interface Handover {
  /** What containerd wrote to the stdin of `start`. */
  readonly input: Uint8Array;
  /** Working directory: the bundle. */
  readonly cwd: string;
  /** The arguments after the program's name. */
  readonly argv: readonly string[];
}

const WORD = 4;
/** The launcher sends nothing longer. */
const MAX_LENGTH = 1 << 20;

/** Decodes a request; undefined as long as bytes are missing. @throws ShimError `invalidArgument` */
export function decodeHandover(bytes: Buffer): Handover | undefined {
  if (bytes.length < WORD) return undefined;
  const length = bytes.readUInt32LE(0);
  if (length < WORD || length > MAX_LENGTH) throw malformed();
  if (bytes.length < WORD + length) return undefined;
  const inputEnd = 2 * WORD + bytes.readUInt32LE(WORD);
  const end = WORD + length;
  if (inputEnd >= end || bytes[end - 1] !== 0) throw malformed();
  const [cwd = '', ...argv] = bytes.toString('utf8', inputEnd, end - 1).split('\0');
  return { input: bytes.subarray(2 * WORD, inputEnd), cwd, argv };
}

/** Encodes a request, as the launcher does. */
export function encodeHandover({ input, cwd, argv }: Handover): Uint8Array {
  const words = Buffer.from([cwd, ...argv].map((word) => `${word}\0`).join(''));
  const head = Buffer.alloc(2 * WORD);
  head.writeUInt32LE(WORD + input.length + words.length);
  head.writeUInt32LE(input.length, WORD);
  return Buffer.concat([head, input, words]);
}

/** Encodes the answer: what `start` has to print. */
export function encodeAnswer(text: string): Uint8Array {
  const body = Buffer.from(text);
  const length = Buffer.alloc(WORD);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

function malformed(): ShimError {
  return new ShimError('invalidArgument', 'read a hand-over: it is malformed');
}
