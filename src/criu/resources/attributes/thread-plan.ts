// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { PR } from '../../../native/abi/index.js';
import { SYS } from '../../../native/sys.js';
import type { CoreEntry, ThreadCoreEntry, ThreadSasEntry } from '../../image/types.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Sequence } from '../../plan/sequence.js';
import { encodeBytes } from '../../../common/bytes.js';
import { CredsPlan, prctl } from './creds-plan.js';
import { planLabels, type Label } from './labels.js';
import { planRseq } from './rseq.js';
import { planScheduling } from './scheduling.js';
import { words } from '../../../native/structures.js';

const SS_DISABLE = 2;
const SS_AUTODISARM = 0x80000000;
const MCE_KILL_SET = 1;
const LONGEST_COMM = 15;

/** What the live request adds to the credentials of a thread. */
export interface LastOptions {
  readonly mustNotGain: boolean;
  readonly labels: readonly Label[];
  /** A descriptor of the container's root, where there are labels. */
  readonly root: number;
}

/** Plans what each thread sets for itself, in two parts: before and after its seccomp filters. */
export class ThreadPlan {
  readonly #builder: PlanBuilder;
  readonly #creds: CredsPlan;

  constructor(builder: PlanBuilder, creds: CredsPlan) {
    this.#builder = builder;
    this.#creds = creds;
  }

  /** Attributes that need neither an order nor privileges. */
  planFirst(core: CoreEntry | undefined, sequence: Sequence): void {
    const thread = core?.thread_core;
    if (!core?.thread_info || !thread) badImage('a thread without registers');
    const comm = encodeBytes(thread.comm ?? core.tc?.comm ?? '').subarray(0, LONGEST_COMM);
    prctl(sequence, 'set the name', [PR.setName, this.#builder.string(comm)]);
    const tidAddress = core.thread_info.clear_tid_addr;
    sequence.syscall('set the tid address', SYS.set_tid_address, [tidAddress]);
    if (thread.futex_rla !== 0n) {
      const args = [thread.futex_rla, thread.futex_rla_len];
      sequence.syscall('set the robust list', SYS.set_robust_list, args);
    }
    if (thread.sas) this.#planAltstack(thread.sas, sequence);
    if (thread.rseq_entry) planRseq(thread.rseq_entry, sequence);
    planPolicies(thread, sequence);
    planScheduling(this.#builder, thread, sequence);
  }

  /** Credentials, and what a change of credentials would undo. */
  planLast(thread: ThreadCoreEntry, options: LastOptions, sequence: Sequence): void {
    const { creds } = thread;
    if (!creds) badImage('a thread without credentials');
    this.#creds.plan(creds, sequence);
    planLabels(this.#builder, options, sequence);
    if (options.mustNotGain || creds.no_new_privs) {
      prctl(sequence, 'set no_new_privs', [PR.setNoNewPrivs, 1]);
    }
    if (thread.pdeath_sig) {
      const what = `set the parent death signal ${String(thread.pdeath_sig)}`;
      prctl(sequence, what, [PR.setPdeathsig, thread.pdeath_sig]);
    }
    if (thread.mvas_tsc !== undefined)
      prctl(sequence, 'set TSC access', [PR.setTsc, thread.mvas_tsc]);
  }

  /** SS_ONSTACK in the image says where the thread was, not how the stack is set up. */
  #planAltstack(sas: ThreadSasEntry, sequence: Sequence): void {
    if ((sas.ss_flags & SS_DISABLE) !== 0 || sas.ss_size === 0n) return;
    const flags = BigInt((sas.ss_flags & SS_AUTODISARM) >>> 0);
    const stack = this.#builder.data(words(sas.ss_sp, flags, sas.ss_size));
    sequence.syscall('set the alternate signal stack', SYS.sigaltstack, [stack, 0]);
  }
}

function planPolicies(thread: ThreadCoreEntry, sequence: Sequence): void {
  const { mvas_timerslack: slack, mvas_mce_kill: policy } = thread;
  // Real-time threads show 0, which to the kernel means the default.
  if (slack) prctl(sequence, 'set timer slack', [PR.setTimerslack, slack]);
  if (policy !== undefined) {
    prctl(sequence, 'set memory failure policy', [PR.mceKill, MCE_KILL_SET, policy]);
  }
}
