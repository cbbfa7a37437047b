// SPDX-License-Identifier: Apache-2.0
import { SCM, SOL } from '../../../../native/abi/index.js';

/** `struct cmsghdr`: length, level, type. Messages are aligned to words. */
const HEADER = { level: 8, type: 12, size: 16 } as const;
const ALIGNMENT = 8;
/** `struct ucred`. */
const CREDENTIALS_SIZE = 12;
/** Room for everything that can come along with a message of a unix socket. */
export const CONTROL_ROOM =
  spaceOf(SCM.mostRights * 4) + spaceOf(CREDENTIALS_SIZE) + spaceOf(4) + spaceOf(256);

/** Pid, user and group of a sender, as a receiver is told. */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** What came along with a message of a unix socket. The descriptors are the receiver's, which has to close them. */
export interface ControlMessages {
  readonly rights: readonly number[];
  readonly credentials: Credentials | undefined;
  /** A pidfd of the sender. */
  readonly pidfd: number | undefined;
}

/** Parses the control messages (cmsg(3)) that recvmsg(2) has left. Pure. */
export function parseControl(bytes: Buffer): ControlMessages {
  const rights: number[] = [];
  let credentials: Credentials | undefined;
  let pidfd: number | undefined;
  for (let at = 0; at + HEADER.size <= bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    if (length < HEADER.size || at + length > bytes.length) break;
    const data = bytes.subarray(at + HEADER.size, at + length);
    const type = bytes.readInt32LE(at + HEADER.level) === SOL.socket ? bytes[at + HEADER.type] : -1;
    if (type === SCM.rights) rights.push(...numbersIn(data));
    if (type === SCM.pidfd) pidfd = data.readInt32LE(0);
    if (type === SCM.credentials) {
      const [pid = 0, uid = 0, gid = 0] = [0, 4, 8].map((place) => data.readUInt32LE(place));
      credentials = { pid, uid, gid };
    }
    at += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  }
  return { rights, credentials, pidfd };
}

/** Encodes a control message of SOL_SOCKET. Pure. */
export function encodeControl(type: number, data: readonly number[]): Uint8Array {
  const size = data.length * 4;
  const bytes = Buffer.alloc(spaceOf(size));
  bytes.writeBigUInt64LE(BigInt(HEADER.size + size), 0);
  bytes.writeInt32LE(SOL.socket, HEADER.level);
  bytes.writeInt32LE(type, HEADER.type);
  data.forEach((word, index) => bytes.writeUInt32LE(word, HEADER.size + index * 4));
  return bytes;
}

function spaceOf(size: number): number {
  return HEADER.size + Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

function numbersIn(data: Buffer): number[] {
  return Array.from({ length: Math.floor(data.length / 4) }, (_, index) =>
    data.readInt32LE(index * 4),
  );
}
