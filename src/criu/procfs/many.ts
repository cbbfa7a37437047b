// SPDX-License-Identifier: Apache-2.0
import { asHostPid, asNsTid, type HostPid, type HostTid, type NsTid } from '../../common/ids.js';
import { toText } from '../../common/procfs/line.js';
import { readBelow } from '../../native/index.js';
import { parseVitals, type Vitals } from './stat.js';
import { parseStatusField } from './status.js';

/* Reads the same file of many tasks by one call. Tasks that are gone meanwhile are left out. */

/** Ids of a thread. */
export interface ThreadIds {
  readonly tgid: HostPid;
  /** In its own pid namespace, the container's. */
  readonly nsTid: NsTid;
}

/** The vital fields of threads, by their ids: whether they live, run or are stopped. */
export function readVitalsOf<Id extends HostTid>(tids: readonly Id[]): Map<Id, Vitals> {
  return readOfAll(tids, 'stat', parseVitals);
}

/** Seccomp mode of threads: 0 off, 1 strict, 2 filter. */
export function readSeccompModes(tids: readonly HostTid[]): Map<HostTid, number> {
  return readOfAll(tids, 'status', (text) => Number(parseStatusField(text, 'Seccomp') ?? 0));
}

/** The processes that threads belong to, and the threads' ids in their own pid namespace. */
export function readIdsOf(tids: readonly HostTid[]): Map<HostTid, ThreadIds> {
  return readOfAll(tids, 'status', (content) => {
    const text = toText(content);
    const [tgid, nsTid] = [parseStatusField(text, 'Tgid'), parseStatusField(text, 'NSpid')];
    return { tgid: asHostPid(Number(tgid)), nsTid: asNsTid(Number(nsTid?.split('\t').at(-1))) };
  });
}

function readOfAll<Id extends HostTid, T>(
  tids: readonly Id[],
  file: string,
  parse: (text: Buffer) => T,
): Map<Id, T> {
  const folders = tids.map((tid) => `/proc/${String(tid)}`);
  const { results, text } = readBelow(folders, [file], []);
  const found = new Map<Id, T>();
  tids.forEach((tid, index) => {
    const [gone, start, error, end] = results.subarray(index * 4, index * 4 + 4);
    if (gone === 0 && error === 0) found.set(tid, parse(text.subarray(start, end)));
  });
  return found;
}
