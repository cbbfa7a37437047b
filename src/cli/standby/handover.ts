// SPDX-License-Identifier: Apache-2.0
import { asHostPid, type HostPid } from '../../common/ids.js';

/**
 * The protocol between the launcher (native/launcher/served.c) and a fork of the standby: little-endian
 * numbers of 4 bytes.
 *
 *     launcher: pid | life | status    the caller, and two of its descriptors
 *     fork:     pid                    it has taken over everything the command needs
 *     launcher: 0                      go: from here on, only the fork runs the command
 *
 * Everything else is read from the launcher's process. Pure.
 */
export interface Caller {
  readonly pid: HostPid;
  /** Read end of a pipe whose write end closes when the launcher ends. */
  readonly life: number;
  /** Write end of a pipe for the exit status. */
  readonly status: number;
}

const WORD = 4;

/** Decodes the first message; undefined until all of its bytes have arrived. */
export function decodeCaller(bytes: Buffer): Caller | undefined {
  if (bytes.length < 3 * WORD) return undefined;
  const [pid = 0, life = 0, status = 0] = [0, 1, 2].map((index) => bytes.readInt32LE(index * WORD));
  return { pid: asHostPid(pid), life, status };
}

/** True once the last message has arrived; undefined before. */
export function decodeGo(bytes: Buffer): true | undefined {
  return bytes.length < WORD ? undefined : true;
}

/** Encodes a pid, or an exit status. */
export function encodeWord(value: number): Buffer {
  const word = Buffer.alloc(WORD);
  word.writeInt32LE(value);
  return word;
}
