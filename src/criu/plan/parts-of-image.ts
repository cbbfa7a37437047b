// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { asNsPid, INIT, type NsPid, type NsTid } from '../../common/ids.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import type { IpcParts } from '../image/parts.js';
import type { CoreEntry } from '../image/types.js';
import { isDead, rootOf } from '../image/validate-tasks.js';
import type { ValidImage } from '../image/validate.js';
import { rangeOf } from '../memory/memory-map.js';
import type { AttributesImage } from '../resources/attributes.js';
import type { FilesImage, LookOptions } from '../resources/files/index.js';
import { processLabel } from '../label.js';

/** What the index of files has to know about an image's processes. */
export function lookOf({ cores, mms, memory }: ValidImage): LookOptions {
  const label = (nsPid: NsPid): string => processLabel(nsPid, cores.get(nsPid)?.tc?.comm ?? '');
  const exact = new Map<number, string>();
  for (const [pid, { exe_file_id: executable }] of mms) {
    for (const area of memory.maps.get(pid)?.unfinished ?? []) {
      if (area.kind !== 'file-private') continue;
      exact.set(Number(area.object), `${label(pid)} memory ${rangeOf(area)}`);
    }
    exact.set(executable, `${label(pid)} executable`);
  }
  return { label, exact };
}

/** The entry of a thread. */
export function coreOf({ cores }: Pick<CheckpointImage, 'cores'>, tid: NsTid): CoreEntry {
  return cores.get(tid) ?? badImage(`no core of ${String(tid)}`);
}

/** All processes but zombies, parents before their children. */
export function aliveOf(image: CheckpointImage): CheckpointImage['pstree'] {
  const root = rootOf(image);
  return image.pstree.filter(({ pid }) => pid === root || !isDead(coreOf(image, pid)));
}

/** What an image says about the attributes of processes. */
export function attributesOf(image: CheckpointImage): AttributesImage {
  const processes = aliveOf(image).map(({ pid, threads }) => ({
    nsPid: pid,
    threads: new Map(threads.map((tid) => [tid, coreOf(image, tid)])),
  }));
  return { root: rootOf(image), processes, seccomp: image.seccomp };
}

/** What is said of System V objects. */
export function ipcOf({ ipcLimits, segments, semaphores, messageQueues }: ValidImage): IpcParts {
  return { ipcLimits, segments, semaphores, messageQueues };
}

/** What an image says about files. */
export function filesOf(image: CheckpointImage): FilesImage {
  const tables = new Map([...image.ids].map(([pid, { files_id }]) => [pid, files_id]));
  return { ...image, tables };
}

/**
 * The lowest pid that is not in use by a process, thread, group or session.
 *
 * @param others pids that others have in the same namespace
 */
export function sparePid(
  { pstree, cores }: CheckpointImage,
  others: ReadonlySet<NsTid> = new Set(),
): NsPid {
  const taken = new Set([
    ...others,
    ...cores.keys(),
    ...pstree.flatMap(({ pid, pgid, sid }) => [pid, pgid, sid]),
  ]);
  let pid = INIT + 1;
  while (taken.has(asNsPid(pid))) pid++;
  return asNsPid(pid);
}
