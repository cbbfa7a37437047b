// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import type { CoreEntry, ThreadCoreEntry } from '../../image/types.js';
import type { AttributeRules } from '../../image/validate-tasks.js';
import { checkCreds } from './creds.js';
import { checkRlimits } from './limits.js';
import { checkQueue } from './pending.js';
import { checkScheduling } from './scheduling.js';
import { checkFilters } from './seccomp.js';
import { checkSigactions } from './sigactions.js';
import { checkTimers } from './timers.js';

const ROBUST_LIST_LENGTH = 24;

/**
 * What the validation of images checks in attributes: that a kernel could have reported them, whatever the live
 * limits are.
 */
export const ATTRIBUTE_RULES: AttributeRules = {
  process: checkProcess,
  thread: checkThread,
  filters: checkFilters,
};

function checkThread(where: string, core: CoreEntry): void {
  const thread = core.thread_core ?? badImage(`${where}: no thread_core`);
  const creds = thread.creds ?? badImage(`${where}: no credentials`);
  checkCreds(where, creds);
  checkQueue(where, thread.signals_p);
  checkScheduling(where, thread);
  checkPossible(where, thread);
}

function checkPossible(where: string, thread: ThreadCoreEntry): void {
  const hasRobustList = thread.futex_rla !== 0n;
  const isPossible =
    (thread.pdeath_sig ?? 0) <= 64 &&
    (!hasRobustList || thread.futex_rla_len === ROBUST_LIST_LENGTH);
  if (!isPossible) badImage(`${where}: impossible attributes`);
}

function checkProcess(where: string, core: CoreEntry): void {
  const task = core.tc ?? badImage(`${where}: no task core`);
  checkSigactions(where, task.sigactions);
  checkQueue(where, task.signals_s);
  checkTimers(where, task.timers);
  checkRlimits(where, task.rlimits);
  const isPossible = (task.mvas_dumpable ?? 0) <= 2 && (task.mvas_mdwe ?? 0) <= 3;
  if (!isPossible) badImage(`${where}: impossible options`);
}
