// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, INIT } from '../../../../src/common/ids.js';
import { TASK_STATE } from '../../../../src/criu/image/constants.js';
import type { CoreEntry, TaskCoreEntry } from '../../../../src/criu/image/types.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import { StopPlan } from '../../../../src/criu/plan/stop-plan.js';
import { SYS } from '../../../../src/native/sys.js';
import { asValid } from '../../../helpers/valid.js';

const SIGCHLD = 17;
const CHILD = asNsPid(2);

function core(state: Partial<TaskCoreEntry>): CoreEntry {
  const task = { task_state: TASK_STATE.alive, exit_code: 0, personality: 0, flags: 0 };
  return {
    mtype: 'X86_64',
    tc: { ...task, blk_sigset: 0n, comm: 'task', sigactions: [], ...state },
  };
}

/** Process 1 with a child 2. */
function plan(child: Partial<TaskCoreEntry>, parent: Partial<TaskCoreEntry> = {}): StopPlan {
  const process = { pgid: INIT, sid: INIT };
  const image = {
    pstree: [
      { ...process, pid: INIT, ppid: asNsPid(0), threads: [INIT] },
      { ...process, pid: CHILD, ppid: INIT, threads: [CHILD] },
    ],
    cores: new Map([
      [INIT, core(parent)],
      [CHILD, core(child)],
    ]),
  };
  const builder = new PlanBuilder();
  const stops = new StopPlan(builder, asValid(image));
  builder.finish();
  return stops;
}

/** Numbers of the calls that process 1 makes. */
function calls(...tasks: Parameters<typeof plan>): number[] {
  return plan(...tasks)
    .calls(INIT, 0n)
    .map(({ nr }) => nr);
}

test('a process is stopped by the signal that its parent has still to hear of', (t) => {
  const by = (exit_code: number) => plan({ task_state: TASK_STATE.stopped, exit_code });
  t.is(by(20).stopSignal(CHILD), 20);
  t.is(by(0).stopSignal(CHILD), 19);
  t.is(plan({}).stopSignal(CHILD), undefined);
});

test('a parent of children that run has nothing to do', (t) => {
  t.deepEqual(calls({}), []);
});

test('a stop that the parent knew of is taken back, and its SIGCHLD', (t) => {
  t.deepEqual(calls({ task_state: TASK_STATE.stopped }), [SYS.waitid, SYS.rt_sigtimedwait]);
});

test('a stop that it has not heard of stays', (t) => {
  const stopped = { task_state: TASK_STATE.stopped, exit_code: 19 };
  t.deepEqual(calls(stopped), [SYS.rt_sigtimedwait]);
});

test("a SIGCHLD of the checkpoint's stays", (t) => {
  const siginfo = new Uint8Array(128);
  siginfo[0] = SIGCHLD;
  const stopped = { task_state: TASK_STATE.stopped };
  t.deepEqual(calls(stopped, { signals_s: { signals: [{ siginfo }] } }), [SYS.waitid]);
});
