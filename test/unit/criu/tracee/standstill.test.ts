// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ownPid } from '../../../../src/common/ids.js';
import { LetGo, Standstill } from '../../../../src/criu/tracee/standstill.js';

/** A tracer that holds until it is told otherwise, and the limits it was given. */
function fakeTracer() {
  const limits: number[] = [];
  const tracer = {
    holds: true,
    limits,
    watch: (limitMs: number): boolean => {
      limits.push(limitMs);
      return tracer.holds;
    },
  };
  return tracer;
}

test('a look says that the engine lives, and is fine while the container stands still', (t) => {
  const tracer = fakeTracer();
  const standstill = new Standstill(tracer, ownPid());
  standstill.lookAt('pid 7 (cat) fd 3', '/data/file');
  standstill.lookAt('pid 7 (cat) fd 4', '/data/other');
  t.deepEqual(tracer.limits, [10_000, 10_000, 10_000]);
  standstill.end();
  t.is(tracer.limits.at(-1), 0);
  tracer.holds = false;
  t.notThrows(() => {
    standstill.check();
  }, 'it is over');
});

test('what follows a look that hung fails, and names that look', (t) => {
  const tracer = fakeTracer();
  const standstill = new Standstill(tracer, ownPid());
  standstill.lookAt('pid 7 (cat) fd 3', '/proc/file');
  tracer.holds = false;
  const look = () => {
    standstill.lookAt('pid 7 (cat) fd 4');
  };
  const message = /^pid 7 \(cat\) fd 3 \(\/proc\/file, mount \/proc \(proc\)\): has not answered/;
  t.throws(look, { instanceOf: LetGo, message });
  standstill.end();
  const check = () => {
    standstill.check();
  };
  t.throws(check, { message }, 'for good');
});

test('a path is told once', (t) => {
  const tracer = fakeTracer();
  const standstill = new Standstill(tracer, ownPid());
  standstill.lookAt('pid 7 (cat) cwd /', '/');
  tracer.holds = false;
  t.regex(standstill.reason?.message ?? '', /^pid 7 \(cat\) cwd \/: has not answered/);
  standstill.end();
});
