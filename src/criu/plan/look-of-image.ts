// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../common/ids.js';
import type { ValidImage } from '../image/validate.js';
import { rangeOf } from '../memory/memory-map.js';
import type { LookOptions } from '../resources/files/index.js';
import { processLabel } from '../label.js';

/** What a look at the files of an image has to know of its processes. */
export function lookOf({ cores, mms, memory }: ValidImage): LookOptions {
  const label = (nsPid: NsPid): string => processLabel(nsPid, cores.get(nsPid)?.tc?.comm ?? '');
  const exact = new Map<number, string>();
  for (const [pid, { exe_file_id: executable }] of mms) {
    for (const area of memory.maps.get(pid)?.areas ?? []) {
      if (area.kind !== 'file-private') continue;
      exact.set(Number(area.object), `${label(pid)} memory ${rangeOf(area)}`);
    }
    exact.set(executable, `${label(pid)} executable`);
  }
  return { label, exact };
}
