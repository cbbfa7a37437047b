// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { cloneHook, cloneRequest } from '../../../../src/shim/task/clone-policy.js';

for (const [text, signal] of [
  ['SIGUSR1', 10],
  ['USR1', 10],
  ['34', 34],
] as const) {
  test(`${text} is signal ${String(signal)}`, (t) => {
    t.deepEqual(cloneRequest({ 'mvas.clone.signal': text }), { index: undefined, signal });
  });
}

for (const text of ['KILL', 'SIGSTOP', '0', '65', '', 'toString', 'usr1']) {
  test(`'${text}' is no signal that can be handled`, (t) => {
    t.throws(() => cloneRequest({ 'mvas.clone.signal': text }), {
      message: /^annotation mvas\.clone\.signal is /,
    });
  });
}

test('an index is a number', (t) => {
  t.is(cloneRequest({ 'mvas.clone.index': '12' }).index, 12);
  t.throws(() => cloneRequest({ 'mvas.clone.index': '-1' }), { message: /not a number/ });
});

const HOOK = 'mvas.clone.hook';

test('a hook is words, or what a shell runs', (t) => {
  t.is(cloneHook({}), undefined);
  t.deepEqual(cloneHook({ [HOOK]: 'echo $A' }), {
    ...{ args: ['/bin/sh', '-c', 'echo $A'], limitMs: 10_000, isRequired: false },
  });
  const all = { [`${HOOK}.timeout-ms`]: '50', [`${HOOK}.required`]: 'true' };
  t.deepEqual(cloneHook({ [HOOK]: '["/bin/a","b c"]', ...all }), {
    ...{ args: ['/bin/a', 'b c'], limitMs: 50, isRequired: true },
  });
});

for (const [name, text] of [
  [HOOK, ' '],
  [HOOK, '[]'],
  [HOOK, '["a", 1]'],
  [HOOK, '["a"'],
  [`${HOOK}.timeout-ms`, '0'],
  [`${HOOK}.timeout-ms`, '1s'],
  [`${HOOK}.required`, 'yes'],
] as const) {
  test(`${name}=${text} is refused by name`, (t) => {
    const { message } = t.throws(() => cloneHook({ [HOOK]: 'a', [name]: text }));
    t.true(message.startsWith(`annotation ${name} is ${JSON.stringify(text)}, not `), message);
  });
}
