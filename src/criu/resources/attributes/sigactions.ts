// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { SIGCHLD, SIGKILL, SIGNALS, SIGSTOP, SIGTRAP } from '../../../native/abi/index.js';
import { check, SYS } from '../../../native/sys.js';
import type { SaEntry } from '../../image/types.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { PlanData } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import type { ProcStatus } from '../../procfs/status.js';
import type { Tracee } from '../../tracee/tracee.js';
import { onceEach } from './once-each.js';
import { queryRemotely, type RemoteAnswer, type RemoteQuery } from './remote-query.js';
import { reader, words } from '../../../native/structures.js';

const SIGACTION_SIZE = 32;
const SIGSET_SIZE = 8;

/** Signals that have an action, in the order of an image's actions (CRIU omits KILL and STOP). */
const SIGNALS_WITH_ACTION: readonly number[] = Array.from(
  { length: SIGNALS },
  (_, index) => index + 1,
).filter((signal) => signal !== SIGKILL && signal !== SIGSTOP);

/** The same for all processes. */
const ACTION_QUERIES: readonly RemoteQuery[] = Array.from({ length: SIGNALS }, (_, index) =>
  actionQuery(index + 1),
);

/** One for all that are default: nobody changes it, so it is encoded once. */
const DEFAULT_ACTION: SaEntry = Object.freeze({ sigaction: 0n, flags: 0n, restorer: 0n, mask: 0n });

/** Of a process that has not set any. */
const DEFAULT_ACTIONS = Object.freeze(SIGNALS_WITH_ACTION.map(() => DEFAULT_ACTION)) as SaEntry[];

/**
 * Actions of all signals of a process. Asks only for those that `status` does not show as default, and for SIGCHLD,
 * whose flags matter (SA_NOCLDWAIT) even by default.
 */
export async function dumpSigactions(leader: Tracee, status: ProcStatus): Promise<SaEntry[]> {
  const special = status.signals.caught | status.signals.ignored | bit(SIGCHLD);
  const asked = signalsIn(special);
  const answers = await queryRemotely(
    leader,
    asked.map((signal) => ACTION_QUERIES[signal - 1] ?? actionQuery(signal)),
  );
  return decodeActions(answers, asked, leader.label);
}

let lastMask: bigint | undefined;
let lastSignals: readonly number[] = [];

/** Signals of a mask that have actions. Most processes have the same. */
function signalsIn(mask: bigint): readonly number[] {
  if (mask !== lastMask) {
    lastSignals = SIGNALS_WITH_ACTION.filter((signal) => (mask & bit(signal)) !== 0n);
    lastMask = mask;
  }
  return lastSignals;
}

/** Processes that answer the same share their actions. */
const decodeActions = onceEach(toActions);

function toActions(
  answers: readonly RemoteAnswer[],
  asked: readonly number[],
  label: string,
): SaEntry[] {
  const actions = new Map<number, SaEntry>();
  asked.forEach((signal, index) => {
    const answer = answers[index];
    const what = `read the action of signal ${String(signal)} of ${label}`;
    check(what, Number(answer?.result ?? -1n));
    if (answer) actions.set(signal, decodeAction(answer.bytes));
  });
  if ([...actions.values()].every(isUntouched)) return DEFAULT_ACTIONS;
  const all = SIGNALS_WITH_ACTION.map((signal) => actions.get(signal) ?? DEFAULT_ACTION);
  return Object.freeze(all) as SaEntry[]; // Encoded once.
}

function actionQuery(signal: number): RemoteQuery {
  return {
    nr: SYS.rt_sigaction,
    args: (room) => [signal, 0, room, SIGSET_SIZE],
    room: SIGACTION_SIZE,
  };
}

function isUntouched({ sigaction, flags, restorer, mask }: SaEntry): boolean {
  return (sigaction | flags | restorer | mask) === 0n;
}

function decodeAction(bytes: Uint8Array): SaEntry {
  const view = reader(bytes);
  return {
    sigaction: view.readBigUInt64LE(0),
    flags: view.readBigUInt64LE(8),
    restorer: view.readBigUInt64LE(16),
    mask: view.readBigUInt64LE(24),
  };
}

/** Throws `dataLoss` unless there is an action for each signal (or for none). */
export function checkSigactions(where: string, actions: readonly SaEntry[]): void {
  if (actions.length > 0 && actions.length !== SIGNALS_WITH_ACTION.length) {
    badImage(`${where}: ${String(actions.length)} signal actions`);
  }
  if (actions.some((action) => action.compat_sigaction === true)) {
    badImage(`${where}: signal actions of a 32-bit program`);
  }
}

/** Masks of ignored and caught signals, as /proc/PID/status shows them. */
export function actionMasks(actions: readonly SaEntry[]): { ignored: bigint; caught: bigint } {
  const masks = { ignored: 0n, caught: 0n };
  SIGNALS_WITH_ACTION.forEach((signal, index) => {
    const handler = actions[index]?.sigaction ?? 0n;
    if (handler === 1n) masks.ignored |= bit(signal);
    if (handler > 1n) masks.caught |= bit(signal);
  });
  return masks;
}

/** Sets a process's signal actions; by any of its threads. */
export class SigactionPlan {
  readonly #builder: PlanBuilder;
  readonly #default: PlanData;

  constructor(builder: PlanBuilder) {
    this.#builder = builder;
    this.#default = builder.data(encodeAction(DEFAULT_ACTION));
  }

  /**
   * The default for all signals, by PID 1 before it forks: most processes have it for most signals, and inherit it.
   */
  planDefaults(root: Sequence): void {
    for (const signal of SIGNALS_WITH_ACTION) this.#plan(signal, DEFAULT_ACTION, root);
  }

  /**
   * What is not the default, by a process that has inherited the defaults. Without SIGCHLD, whose action would hide
   * the deaths of zombies that are still being created.
   */
  planAll(actions: readonly SaEntry[], sequence: Sequence): void {
    SIGNALS_WITH_ACTION.forEach((signal, index) => {
      const action = actions[index] ?? DEFAULT_ACTION;
      if (signal !== SIGCHLD && !isDefault(action)) this.#plan(signal, action, sequence);
    });
  }

  /** The action of SIGCHLD, if it is not the default. */
  planChild(actions: readonly SaEntry[], sequence: Sequence): void {
    const action = actionOf(SIGCHLD, actions);
    if (!isDefault(action)) this.#plan(SIGCHLD, action, sequence);
  }

  /** The action of SIGTRAP if it is not the default, for a call that a tracer makes at the very end. */
  trapAction(actions: readonly SaEntry[]): PlanData | undefined {
    const action = actionOf(SIGTRAP, actions);
    return isDefault(action) ? undefined : this.#builder.data(encodeAction(action));
  }

  #plan(signal: number, action: SaEntry, sequence: Sequence): void {
    const data = isDefault(action) ? this.#default : this.#builder.data(encodeAction(action));
    const args = [signal, data, 0, SIGSET_SIZE];
    sequence.syscall(`set the action of signal ${String(signal)}`, SYS.rt_sigaction, args);
  }
}

function actionOf(signal: number, actions: readonly SaEntry[]): SaEntry {
  return actions[SIGNALS_WITH_ACTION.indexOf(signal)] ?? DEFAULT_ACTION;
}

function isDefault(action: SaEntry): boolean {
  return action.sigaction === 0n && action.flags === 0n;
}

function encodeAction(action: SaEntry): Uint8Array {
  return words(action.sigaction, action.flags, action.restorer, action.mask);
}

function bit(signal: number): bigint {
  return 1n << BigInt(signal - 1);
}
