// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { listenersOn } from '../../../../src/common/procfs/listening.js';
import type { Spec } from '../../../../src/shim/bundle.js';
import { missingLayers } from '../../../../src/shim/mount/snapshot-files.js';
import { ownName } from '../../../../src/shim/task/own-snapshot.js';
import { parseWhen } from '../../../../src/shim/task/when.js';

test('the annotation names a line, a port or a file', (t) => {
  t.is(parseWhen(undefined), undefined);
  t.deepEqual(parseWhen('log:a: b'), { kind: 'log', text: 'a: b' });
  t.deepEqual(parseWhen('port:65535'), { kind: 'port', port: 65_535 });
  t.deepEqual(parseWhen('file:/a b'), { kind: 'file', path: '/a b' });
  const wrong = ['', 'log:', 'log:a\nb', 'port:0', 'port:65536', 'port:1e3', 'file:a', 'x:1'];
  for (const value of [...wrong, `log:${'x'.repeat(1001)}`]) {
    t.throws(
      () => parseWhen(value),
      { message: /mvas\.snapshot\.when is .*, not log:TEXT/ },
      value,
    );
  }
});

test('sockets that listen on a port', (t) => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1267 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0
   1: 0100007F:1267 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0 20 4 30 10 -1
   2: 00000000:0267 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4244 1 0 100 0 0 10 0
`;
  t.deepEqual(listenersOn(table, 0x1267), ['4242']);
  t.deepEqual(listenersOn(table, 0x267), ['4244']);
  t.deepEqual(listenersOn('', 80), []);
});

const SPEC: Spec = {
  hostname: 'one',
  annotations: { 'mvas.snapshot.when': 'port:80', other: 'x' },
  process: { args: ['serve'] },
  mounts: [{ destination: '/data', type: 'bind' }],
  linux: { namespaces: [{ type: 'network', path: '/run/netns/one' }], cgroupsPath: '/one' },
};

test('a name stands for what a restore needs to be the same', (t) => {
  const name = ownName(SPEC, ['/2', '/1']);
  t.regex(name, /^when-[0-9a-f]{32}$/);
  const linux = {
    namespaces: [{ type: 'network', path: '/run/netns/two' }],
    cgroupsPath: '/two',
  };
  t.is(ownName({ ...SPEC, hostname: 'two', linux }, ['/2', '/1']), name);
  const others = [
    ownName(SPEC, ['/1']),
    ownName({ ...SPEC, process: { args: ['serve', 'x'] } }, ['/2', '/1']),
    ownName({ ...SPEC, annotations: { 'mvas.snapshot.when': 'port:81' } }, ['/2', '/1']),
    ownName({ ...SPEC, mounts: [] }, ['/2', '/1']),
    ownName({ ...SPEC, linux: {} }, ['/2', '/1']),
  ];
  t.is(new Set([name, ...others]).size, 6);
});

test('pods whose user namespaces have other ids on the host are of a kind', (t) => {
  const named = (hostID: number, size: number) => {
    const maps = [{ containerID: 0, hostID, size }];
    return ownName({ ...SPEC, linux: { uidMappings: maps, gidMappings: maps } }, ['/1']);
  };
  t.is(named(100_000, 65_536), named(200_000, 65_536));
  t.not(named(100_000, 65_536), named(100_000, 1000));
});

test('layers that a root filesystem lacks', (t) => {
  t.deepEqual(missingLayers(['/1'], ['/3', '/2', '/1']), ['/2', '/3']);
  t.deepEqual(missingLayers(['/2', '/1'], ['/2', '/1']), []);
  t.is(missingLayers(['/x', '/1'], ['/2', '/1']), undefined);
  t.is(missingLayers(['/3', '/2', '/1'], ['/2', '/1']), undefined);
});
