// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { Haste } from '../../../../src/criu/tracee/haste.js';

/** Field 41 of /proc/PID/stat, and its values (sched(7)). */
const POLICY = 40;
const OTHER = '0';
const ROUND_ROBIN = '2';

test.serial('a thread comes first until it is no longer in haste', (t) => {
  const haste = new Haste();
  t.is(ownPolicy(), ROUND_ROBIN);
  haste.begin();
  t.is(ownPolicy(), ROUND_ROBIN);
  haste.end();
  t.is(ownPolicy(), OTHER);
});

test.serial('what it makes first is in haste, and nothing else', (t) => {
  const haste = new Haste();
  t.is(policyOfChild(), ROUND_ROBIN);
  haste.begin();
  t.is(policyOfChild(), OTHER);
  haste.end();
  t.is(policyOfChild(), OTHER);
});

test.serial('one within another changes nothing', (t) => {
  const outer = new Haste();
  outer.begin();
  const inner = new Haste();
  inner.begin();
  inner.end();
  t.is(ownPolicy(), ROUND_ROBIN);
  outer.end();
  outer.end();
  t.is(ownPolicy(), OTHER);
});

function ownPolicy(): string {
  return policyIn(readFileSync('/proc/thread-self/stat', 'utf8'));
}

function policyOfChild(): string {
  return policyIn(execFileSync('cat', ['/proc/self/stat'], { encoding: 'utf8' }));
}

function policyIn(stat: string): string {
  return stat.split(' ')[POLICY] ?? '';
}
