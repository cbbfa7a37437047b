// SPDX-License-Identifier: Apache-2.0
import { asHostPid, type HostPid } from '../../common/ids.js';

/**
 * What the launcher (native/launcher/served.c) and a fork of the standby say to each other, in numbers of
 * 4 bytes, little-endian:
 *
 *     launcher: pid | life | status    who calls, and two of its descriptors
 *     fork:     pid                    it has taken over all that the command needs
 *     launcher: 0                      go: from here on, nobody else does it
 *
 * All else is taken from the launcher's process. Pure.
 */
export interface Caller {
  readonly pid: HostPid;
  /** Reading end of a pipe whose other end closes when the launcher ends. */
  readonly life: number;
  /** Writing end of a pipe for the exit status. */
  readonly status: number;
}

const WORD = 4;

/** Decodes the first message; undefined as long as bytes are missing. */
export function decodeCaller(bytes: Buffer): Caller | undefined {
  if (bytes.length < 3 * WORD) return undefined;
  const [pid = 0, life = 0, status = 0] = [0, 1, 2].map((index) => bytes.readInt32LE(index * WORD));
  return { pid: asHostPid(pid), life, status };
}

/** Whether the last message has come; undefined as long as it has not. */
export function decodeGo(bytes: Buffer): true | undefined {
  return bytes.length < WORD ? undefined : true;
}

/** Encodes a pid, or an exit status. */
export function encodeWord(value: number): Buffer {
  const word = Buffer.alloc(WORD);
  word.writeInt32LE(value);
  return word;
}
