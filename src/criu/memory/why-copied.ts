// SPDX-License-Identifier: Apache-2.0
import type { NsPid, NsTid } from '../../common/ids.js';
import type { CoreEntry } from '../image/types.js';
import { MADV_DONTFORK } from '../../native/abi/index.js';
import { isAdvised, type MappedArea, type MemoryMap } from './memory-map.js';
import { isKeyed } from './protection-keys.js';

/** Whether fork(2) leaves an area out (MADV_DONTFORK). Memory that MADV_WIPEONFORK empties is not stored at all. */
export function isLeftOut(area: MappedArea): boolean {
  return isAdvised(area, MADV_DONTFORK);
}

/** What the decision depends on. */
export interface KeptMemory {
  readonly maps: readonly MemoryMap[];
  readonly cores: ReadonlyMap<NsTid, CoreEntry>;
  /** Protection keys that processes have allocated. */
  readonly keys: ReadonlyMap<NsPid, number>;
}

/** Why the kernel's duplicates cannot be the VAS; undefined if they can. */
export function whyCopied(memory: KeptMemory): string | undefined {
  const { maps, cores, keys } = memory;
  if ([...cores.values()].some(({ tc }) => tc?.mvas_mdwe)) {
    return 'a process denies itself memory that becomes executable (PR_SET_MDWE)';
  }
  // Also memory that may only be executed: the module would map it so, and the kernel allocate a key.
  if (keys.size > 0 || maps.some(({ areas }) => areas.some(isKeyed))) {
    return 'a process has memory protection keys (pkey_alloc)';
  }
  const leftOut = maps.some(({ areas }) =>
    areas.some((area) => area.place !== undefined && isLeftOut(area)),
  );
  return leftOut ? 'a process keeps memory from its forks (MADV_DONTFORK)' : undefined;
}
