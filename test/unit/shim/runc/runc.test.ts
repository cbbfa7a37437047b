// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { encode } from '../../../../src/shim/proto/codec.js';
import { Options as MvasOptions } from '../../../../src/common/messages/mvas-options.js';
import { Options as RuncOptions } from '../../../../src/common/messages/runc-options.js';
import { createArgs, execArgs, globalArgs } from '../../../../src/shim/runc/args.js';
import { fromRuncLog, lastError } from '../../../../src/shim/runc/runc-log.js';
import { decodeOptions, runcSettings } from '../../../../src/shim/runc/settings.js';

test('runc keeps a namespace’s state below its root', (t) => {
  t.deepEqual(runcSettings(undefined, 'ns'), {
    binary: 'runc',
    root: '/run/containerd/runc/ns',
    systemdCgroup: false,
  });
  t.deepEqual(runcSettings({ binaryName: 'crun', root: '/r', systemdCgroup: true }, 'ns'), {
    binary: 'crun',
    root: '/r/ns',
    systemdCgroup: true,
  });
});

test('options of runc’s type are decoded, others are none', (t) => {
  const value = encode(RuncOptions, { binaryName: 'crun' });
  t.is(decodeOptions({ typeUrl: RuncOptions, value }).runc?.binaryName, 'crun');
  t.deepEqual(decodeOptions({ typeUrl: 'some.body.Options', value }), {});
  t.deepEqual(decodeOptions({ typeUrl: '', value: new Uint8Array(0) }), {});
  t.deepEqual(decodeOptions(undefined), {});
});

test('our own options contain runc’s', (t) => {
  const value = encode(MvasOptions, { runc: { root: '/r' }, vasMemoryLimit: 4096n });
  const options = decodeOptions({ typeUrl: MvasOptions, value });
  t.is(options.runc?.root, '/r');
  t.is(options.vasMemoryLimit, 4096n);
});

test('options that cannot be decoded are refused by their type', (t) => {
  const value = Buffer.from([0x0a, 0x7f]);
  const error = t.throws(() => decodeOptions({ typeUrl: RuncOptions, value }));
  t.regex(error.message, /^runtime options containerd\.runc\.v1\.Options: /);
});

test('runc’s command lines', (t) => {
  const settings = { binary: 'runc', root: '/r', systemdCgroup: true };
  t.is(
    globalArgs(settings, '/log').join(' '),
    '--root /r --log /log --log-format json --systemd-cgroup',
  );
  const create = { id: 'a', bundle: '/b', pidFile: '/p', noPivotRoot: true, noNewKeyring: true };
  t.is(
    createArgs({ ...create, consoleSocket: '/s' }).join(' '),
    'create --bundle /b --pid-file /p --console-socket /s --no-pivot --no-new-keyring a',
  );
  t.is(
    execArgs({ id: 'a', processFile: '/x', pidFile: '/p' }).join(' '),
    'exec --process /x --detach --pid-file /p a',
  );
});

test('the last error of runc’s log counts', (t) => {
  const log = [
    '{"level":"error","msg":"old","time":"t"}',
    '{"level":"error","msg":"new","time":"t"}',
    '{"level":"warning","msg":"later","time":"t"}',
    '{"level":"err',
  ].join('\n');
  t.is(lastError(log), 'new');
  t.is(lastError('null\n7\n'), undefined);
  t.is(lastError(''), undefined);
});

test('what runc says is gone is not found', (t) => {
  t.is(fromRuncLog('kill', 'a', 'container not running').kind, 'notFound');
  t.is(fromRuncLog('delete', 'a', 'container does not exist').kind, 'notFound');
  t.is(fromRuncLog('create', 'a', 'container with given ID already exists').kind, 'alreadyExists');
  t.is(fromRuncLog('create', 'a', 'namespace x does not exist').kind, 'unknown');
  t.regex(fromRuncLog('create', 'a', 'boom').message, /^OCI runtime create failed: boom/);
});
