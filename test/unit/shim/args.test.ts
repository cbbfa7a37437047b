// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseArgs } from '../../../src/shim/args.js';

const START = ['-namespace', 'ns', '-address', '/c.sock', '-publish-binary', '/bin/c', '-id', 'a'];

test('containerd’s call of start is understood', (t) => {
  t.deepEqual(parseArgs([...START, '-debug', 'start']), {
    action: 'start',
    namespace: 'ns',
    id: 'a',
    address: '/c.sock',
    publishBinary: '/bin/c',
    bundle: '',
    debug: true,
    socket: '',
  });
});

test('containerd’s call of delete is understood', (t) => {
  const { action, bundle } = parseArgs([...START, '-bundle', '/b', 'delete']);
  t.deepEqual({ action, bundle }, { action: 'delete', bundle: '/b' });
});

test('flags may have two dashes and an equals sign', (t) => {
  const args = parseArgs(['--namespace=ns', '-id=a', '--debug=false', '--', 'start']);
  t.like(args, { action: 'start', namespace: 'ns', id: 'a', debug: false });
});

test('no action is the daemon', (t) => {
  t.is(parseArgs(START).action, 'serve');
});

test('version and info need no task', (t) => {
  t.is(parseArgs(['-v']).action, 'version');
  t.is(parseArgs(['--version']).action, 'version');
  t.is(parseArgs(['-info']).action, 'info');
});

test('flags of a later containerd are skipped', (t) => {
  t.is(parseArgs(['-new-flag=x', '-other', ...START, 'start']).action, 'start');
});

for (const bad of [[], ['start'], ['-namespace', '../x', '-id', 'a'], ['-id'], [...START, 'run']]) {
  test(`refused: ${JSON.stringify(bad)}`, (t) => {
    t.throws(() => parseArgs(bad), { name: 'ShimError', message: /^parse arguments: / });
  });
}
