// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asHostTid } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import {
  EndedMeanwhile,
  isMomentary,
  Momentary,
  momentaryIfGone,
  pauseBefore,
  retrying,
  tryingOnce,
  type Time,
} from '../../../src/criu/retry.js';
import { readStatus } from '../../../src/criu/procfs/reader.js';
import { Refusals } from '../../../src/criu/resources/files/refusals.js';

test('pauses grow to a quarter of a second, and end at the limit', (t) => {
  const pauses = Array.from({ length: 8 }, (_, index) => pauseBefore(index + 1, 2_000, 0));
  t.deepEqual(pauses, [10, 20, 40, 80, 160, 250, 250, 250]);
  t.is(pauseBefore(8, 1_000, 900), 100, 'the last try is at the limit');
  t.is(pauseBefore(2, 1_000, 1_000), undefined);
  t.is(pauseBefore(9, 1_000, 1_005), undefined);
  t.is(pauseBefore(5_000, 2_000, 1_000), 250, 'however many there were');
  t.is(pauseBefore(1, 1_000, 5_000), 10, 'a first try that took longer is not the only one');
  t.is(pauseBefore(1, 0, 0), undefined);
});

/** An attempt that fails the given number of times, and how often it was made. */
function failing(times: number, error: ShimError) {
  const counter = { tries: 0 };
  const attempt = (): Promise<string> => {
    counter.tries += 1;
    return counter.tries <= times ? Promise.reject(error) : Promise.resolve('done');
  };
  return { counter, attempt };
}

/** Time that passes only in sleep. */
function quickTime(): Time {
  let now = 0;
  return {
    now: () => now,
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
  };
}

const busy = new Momentary('failedPrecondition', 'pid 2 (probe): still here');

test('what passes is waited for', async (t) => {
  const { counter, attempt } = failing(3, busy);
  t.is(await retrying({ limitMs: 60_000, time: quickTime() }, attempt), 'done');
  t.is(counter.tries, 4);
});

test('what lasts is told at once', async (t) => {
  const lasting = new ShimError('failedPrecondition', 'never');
  const { counter, attempt } = failing(1, lasting);
  t.is(await t.throwsAsync(retrying({ limitMs: 60_000, time: quickTime() }, attempt)), lasting);
  t.is(counter.tries, 1);
});

test('what does not pass is told with how long it was tried', async (t) => {
  const { counter, attempt } = failing(Infinity, busy);
  const work = retrying({ limitMs: 1_000, time: quickTime() }, attempt);
  const error = await t.throwsAsync(work, { instanceOf: ShimError });
  t.is(error.kind, 'failedPrecondition');
  // After 0, 10, 30, 70, 150, 310, 560, 810 and 1,000 ms.
  t.is(error.message, 'pid 2 (probe): still here (tried 9 times in 1.0 s)');
  t.is(counter.tries, 9);
});

test('without patience there is one try', async (t) => {
  const { counter, attempt } = failing(Infinity, busy);
  t.is(await t.throwsAsync(retrying({ limitMs: 0 }, attempt)), busy);
  t.is(counter.tries, 1);
});

test('what stands still is tried once, unless a process has ended', async (t) => {
  const paused = tryingOnce(() => Promise.reject(busy));
  await t.throwsAsync(paused, {
    message: `${busy.message} (tried once, since the container is paused)`,
  });
  const ended = new EndedMeanwhile('aborted', 'pid 3 (worker) has ended meanwhile');
  const { counter, attempt } = failing(1, ended);
  const patience = { limitMs: 60_000, time: quickTime() };
  t.is(await retrying(patience, () => tryingOnce(attempt), EndedMeanwhile), 'done');
  t.is(counter.tries, 2);
});

test('who gives up is not kept waiting', async (t) => {
  const abort = new AbortController();
  const { attempt } = failing(Infinity, busy);
  const work = retrying({ limitMs: 3_600_000, signal: abort.signal }, () => {
    setImmediate(() => {
      abort.abort();
    });
    return attempt();
  });
  await t.throwsAsync(work, { name: 'AbortError' });
});

test('refusals are momentary where the remedy of each of them is to try again', (t) => {
  t.true(isMomentary('connections wait to be accepted; remedy: try again once they are'));
  t.true(isMomentary('too much unread data; remedy: try again later'));
  t.false(isMomentary('bound to "/; remedy: try again"; remedy: close it'));
  t.false(isMomentary('a lease cannot be restored; remedy: give it up'));
  const refusals = new Refusals();
  refusals.add('pid 1 (sh) fd 3', 'unread events; remedy: try again once they are read');
  t.throws(
    () => {
      refusals.throwIfAny();
    },
    { instanceOf: Momentary },
  );
  refusals.add('pid 1 (sh) fd 4', 'no way');
  t.false(
    t.throws(() => {
      refusals.throwIfAny();
    }) instanceof Momentary,
  );
});

test('a process that is gone since it was listed is looked for again, and no other failure', (t) => {
  const gone = t.throws(() => readStatus(asHostTid(2 ** 30)), { instanceOf: ShimError });
  const again = momentaryIfGone(gone);
  t.true(again instanceof Momentary);
  t.is((again as Momentary).message, gone.message);
  const other = new ShimError('permissionDenied', 'read /proc/2/mem: EPERM');
  t.is(momentaryIfGone(other), other);
  t.is(momentaryIfGone(undefined), undefined);
});
