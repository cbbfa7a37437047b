// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, asNsTid } from '../../../../src/common/ids.js';
import type { SignalQueueEntry } from '../../../../src/criu/image/types.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import {
  checkQueue,
  hasPendingStop,
  queueProblem,
} from '../../../../src/criu/resources/attributes/pending.js';
import { QueuePlan } from '../../../../src/criu/resources/attributes/queue-plan.js';

const [SIGTRAP, SIGKILL, SIGUSR1, SIGSTOP, HIGHEST] = [5, 9, 10, 19, 64];

function queue(...signals: readonly number[]): SignalQueueEntry {
  const siginfo = (signal: number): Uint8Array => {
    const bytes = Buffer.alloc(128);
    bytes.writeInt32LE(signal, 0);
    return bytes;
  };
  return { signals: signals.map((signal) => ({ siginfo: siginfo(signal) })) };
}

test('a restore forbids no signal that a checkpoint accepts', (t) => {
  for (let signal = 1; signal <= HIGHEST; signal++) {
    const isRefused = queueProblem(queue(SIGUSR1, signal)) !== undefined;
    t.is(isRefused, [SIGTRAP, SIGKILL].includes(signal), String(signal));
    const check = () => {
      checkQueue('pid 5', queue(SIGUSR1, signal));
    };
    if (isRefused) t.throws(check, { message: /^pid 5: / });
    else t.notThrows(check);
  }
});

test('what is no signal is in no queue', (t) => {
  for (const bad of [queue(0), queue(65), queue(-1), { signals: [{ siginfo: Buffer.alloc(8) }] }]) {
    t.throws(
      () => {
        checkQueue('tid 5', bad);
      },
      { message: /^tid 5: a pending signal/ },
    );
  }
});

test('a pending SIGSTOP is left to the tracer', (t) => {
  const pending = queue(SIGSTOP, SIGUSR1);
  const sequence = new PlanBuilder().sequence('pid 5');
  const plan = new QueuePlan(new PlanBuilder());
  plan.planShared(asNsPid(5), pending, sequence);
  plan.planPrivate({ nsPid: asNsPid(5), nsTid: asNsTid(6) }, pending, sequence);
  t.is(sequence.operations.length, 2);
  t.true(hasPendingStop(pending));
  t.false(hasPendingStop(queue(SIGUSR1)));
  t.false(hasPendingStop(undefined));
});
