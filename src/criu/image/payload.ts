// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import type { PayloadKind } from './header.js';
import type {
  IpcSemEntry,
  IpcShmEntry,
  PipeDataEntry,
  SkPacketEntry,
  TcpStreamEntry,
} from './types.js';

type AnyPayloadEntry = PipeDataEntry | SkPacketEntry | TcpStreamEntry | IpcShmEntry | IpcSemEntry;

/**
 * How many raw bytes follow an entry, as the entry itself says. TCP streams: what was received, then what was not
 * yet acknowledged.
 *
 * @throws ShimError `dataLoss` for a length beyond any file.
 */
export function payloadLength(kind: PayloadKind, entry: AnyPayloadEntry): number {
  switch (kind) {
    case 'pipes-data':
    case 'fifo-data':
      return (entry as PipeDataEntry).bytes;
    case 'sk-queues':
      return (entry as SkPacketEntry).length;
    case 'tcp-stream':
    case 'mvas-tcp-streams':
      return (entry as TcpStreamEntry).inq_len + (entry as TcpStreamEntry).outq_len;
    case 'ipcns-shm':
      return segmentLength(entry as IpcShmEntry);
    case 'ipcns-sem':
      return (entry as IpcSemEntry).nsems * 2;
  }
}

/** Zero bytes after a payload of this length: CRIU aligns System V objects. */
export function payloadPadding(kind: PayloadKind, length: number): number {
  const alignment = kind === 'ipcns-shm' ? 4 : kind === 'ipcns-sem' ? 8 : 1;
  return (alignment - (length % alignment)) % alignment;
}

function segmentLength(entry: IpcShmEntry): number {
  if (entry.in_pagemaps === true) return 0;
  if (entry.size > BigInt(Number.MAX_SAFE_INTEGER))
    badImage('decode ipcns-shm: a size beyond any file');
  return Number(entry.size);
}
