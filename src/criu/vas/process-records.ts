// SPDX-License-Identifier: Apache-2.0
import { totalBytes } from '../memory/page-runs.js';
import type { ProcessMemory } from '../memory/snapshot.js';
import { readComm } from '../procfs/reader.js';
import type { ProcessRecord, SegmentRecord } from './store.js';

const KINDS: Readonly<Record<string, SegmentRecord['kind']>> = {
  anonymous: 'private',
  'anonymous-shared': 'shared',
  'file-private': 'file-private',
};

/** What a VAS's record says of the processes whose memory it holds. */
export function processRecords(memories: readonly ProcessMemory[]): ProcessRecord[] {
  return memories.map(({ process, areas }) => ({
    pid: process.nsPid,
    name: nameOf(process.pid),
    segments: areas.flatMap((area): SegmentRecord[] => {
      const kind = KINDS[area.kind];
      if (kind === undefined || (area.place === undefined && kind !== 'shared')) return [];
      const { vma } = area;
      return [
        {
          start: `0x${vma.start.toString(16)}`,
          end: `0x${vma.end.toString(16)}`,
          kind,
          protection: `${vma.read ? 'r' : '-'}${vma.write ? 'w' : '-'}${vma.exec ? 'x' : '-'}`,
          bytes: Number(totalBytes(area.runs)),
        },
      ];
    }),
  }));
}

function nameOf(pid: number): string {
  try {
    return readComm(pid);
  } catch {
    return '?'; // It has exited since it was let go.
  }
}
