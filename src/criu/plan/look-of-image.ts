// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../common/ids.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { VMA_STATUS } from '../image/constants.js';
import type { LookOptions } from '../resources/files/index.js';
import { processLabel } from '../label.js';

/** What a look at the files of an image has to know of its processes. */
export function lookOf({ cores, mms }: CheckpointImage): LookOptions {
  const label = (nsPid: number): string =>
    processLabel(nsPid as NsPid, cores.get(nsPid)?.tc?.comm ?? '');
  const exact = new Map<number, string>();
  for (const [pid, { vmas, exe_file_id: executable }] of mms) {
    for (const { status, shmid, start, end } of vmas) {
      if ((status & VMA_STATUS.filePrivate) === 0) continue;
      exact.set(
        Number(shmid),
        `${label(pid)} memory 0x${start.toString(16)}-0x${end.toString(16)}`,
      );
    }
    exact.set(executable, `${label(pid)} executable`);
  }
  return { label, exact };
}
