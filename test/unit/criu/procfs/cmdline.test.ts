// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseCmdline } from '../../../../src/criu/procfs/cmdline.js';
import { fixture } from './fixture.js';

test('arguments may be empty or hold spaces and line feeds', (t) => {
  t.deepEqual(parseCmdline(fixture('odd/cmdline')).slice(-3), ['arg with space', '', 'line\nfeed']);
  t.deepEqual(parseCmdline(fixture('container/cmdline')), ['/bin/busybox', 'sleep', '99']);
});

test('a command line that was written over may lack its end', (t) => {
  t.deepEqual(parseCmdline('nginx: worker process'), ['nginx: worker process']);
  t.deepEqual(parseCmdline(''), []);
});
