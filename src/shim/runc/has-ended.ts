// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { readRuntimeState } from '../../common/runtime-state.js';

/** States of proc(5) of a process that runs no more. */
const ENDED = new Set(['Z', 'X']);

/** What says that there is no such process. */
const GONE = new Set(['ENOENT', 'ESRCH']);

/** Whether the init of a container has ended, as the runtime's state in a directory tells; false where it tells nothing. */
export function hasEnded(stateDirectory: string): boolean {
  const state = readRuntimeState(stateDirectory);
  if (state === undefined || state.initPid <= 0 || state.initStart === '') return false;
  try {
    const stat = readFileSync(`/proc/${String(state.initPid)}/stat`, 'utf8');
    const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ENDED.has(words[0] ?? '') || words[19] !== state.initStart;
  } catch (error) {
    return GONE.has((error as NodeJS.ErrnoException).code ?? '');
  }
}
