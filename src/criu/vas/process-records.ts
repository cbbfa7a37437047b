// SPDX-License-Identifier: Apache-2.0
import type { HostPid, NsPid } from '../../common/ids.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../../native/abi/index.js';
import type { AreaKind, MemoryMap } from '../memory/memory-map.js';
import { totalBytes } from '../memory/page-runs.js';
import { readComm } from '../procfs/reader.js';
import type { ProcessRecord, SegmentRecord } from './store.js';

const KINDS: Readonly<Partial<Record<AreaKind, SegmentRecord['kind']>>> = {
  anonymous: 'private',
  'anonymous-shared': 'shared',
  'file-private': 'file-private',
};

/** What a VAS's record says of the processes whose memory it holds. */
export function processRecords(
  maps: readonly MemoryMap[],
  hostPidOf: (pid: NsPid) => HostPid,
): ProcessRecord[] {
  return maps.map(({ pid, areas }) => ({
    pid,
    name: nameOf(hostPidOf(pid)),
    segments: areas.flatMap((area): SegmentRecord[] => {
      const kind = KINDS[area.kind];
      if (kind === undefined || (area.place === undefined && kind !== 'shared')) return [];
      return [
        {
          start: `0x${area.start.toString(16)}`,
          end: `0x${area.end.toString(16)}`,
          kind,
          protection: protectionOf(area.prot),
          bytes: Number(totalBytes(area.runs)),
        },
      ];
    }),
  }));
}

function protectionOf(prot: number): string {
  const bits = [PROT_READ, PROT_WRITE, PROT_EXEC].map((bit, index) => {
    return (prot & bit) === 0 ? '-' : 'rwx'.charAt(index);
  });
  return bits.join('');
}

function nameOf(pid: HostPid): string {
  try {
    return readComm(pid);
  } catch {
    return '?'; // It has exited since it was let go.
  }
}
