// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../common/ids.js';
import { PR, SYS } from '../../native/abi/index.js';
import type { PlanBuilder } from './builder.js';
import type { Sequence } from './sequence.js';

const RLIMIT_CORE = 4;
const SIG_SETMASK = 2;

/** Ends a process with a status as wait(2) reports it: by a signal, or by an exit. */
export function planDeath(
  builder: PlanBuilder,
  sequence: Sequence,
  { pid, status }: { readonly pid: NsPid; readonly status: number },
): void {
  const signal = status & 0x7f;
  if (signal !== 0) {
    const data = builder.reserve(8);
    // A core file that it left is still there. Programs that take cores ignore the limit.
    const limit = builder.reserve(16);
    sequence.syscall('leave no core', SYS.prlimit64, [0, RLIMIT_CORE, limit, 0]);
    sequence.syscall('leave no core', SYS.prctl, [PR.setDumpable, 0, 0, 0, 0]);
    sequence.syscall('die as before', SYS.kill, [pid, signal], { tolerate: true });
    const all = [SIG_SETMASK, data, 0, 8];
    sequence.syscall('let the signal in', SYS.rt_sigprocmask, all, { tolerate: true });
  }
  sequence.syscall('exit', SYS.exit_group, [(status >> 8) & 0xff]);
}
