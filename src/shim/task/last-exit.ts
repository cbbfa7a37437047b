// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { within } from '../io/task-io.js';
import type { Runc } from '../runc/runc.js';
import type { Execs } from './execs.js';
import type { ExitGate } from './exits.js';
import type { TaskProcess } from './process.js';

const log = logger('task');
/** How long a runc may go on working in a container whose init has exited. */
const RUNC_MS = 5_000;
/** How long the exits of its other processes may take then: one that has left the cgroup belongs to nobody. */
const OTHERS_MS = 10_000;

/** What ends with a container's init. */
export interface InitCompany {
  readonly id: string;
  readonly init: TaskProcess;
  readonly execs: Execs;
  readonly gate: ExitGate;
  readonly runc: Runc;
  /** Kills what the kernel does not. */
  readonly killRest: () => Promise<void>;
}

/** Once init has exited: ends whatever else is in the container, for a limited time. Never rejects. */
export async function endCompany(company: InitCompany): Promise<void> {
  const { id: task, init, execs, gate, runc, killRest } = company;
  // A runc that hangs must not delay the report of the exit.
  const late = setTimeout(() => {
    runc.abort();
  }, RUNC_MS);
  execs.abortStarts(new ShimError('failedPrecondition', `task ${task} has exited meanwhile`));
  const others = within(OTHERS_MS, [{ done: gate.close() }]);
  for (const end of await Promise.allSettled([others, killRest(), init.end()])) {
    // The exit is reported in any case: otherwise clients would wait forever.
    if (end.status === 'rejected') {
      log.error('cannot end with init', { task, error: String(end.reason) });
    }
  }
  clearTimeout(late);
}
