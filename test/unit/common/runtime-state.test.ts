// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { asHostPid } from '../../../src/common/ids.js';
import { readRuntimeState, replaceInit } from '../../../src/common/runtime-state.js';

const LINKS = ['/dev/null', '/var/log/a "b" \\ & c', 'pipe:[4711]'] as const;
const BEFORE = { pid: asHostPid(70), bundle: '/b/.donor' };

// As Go writes it, with its escapes and with numbers that JSON.parse would change.
const RUNC =
  '{"init_process_pid":70,"init_process_start":9007199254740993,' +
  '"external_descriptors":["/dev/null","/var/log/a \\"b\\" \\\\ \\u0026 c","pipe:[4711]"],' +
  '"namespace_paths":{"NEWIPC":"/proc/70/ns/ipc"},"labels":["bundle=/b/.donor"],"x":9007199254740993}';

const CRUN = JSON.stringify({
  pid: 70,
  'process-start-time': 12,
  'cgroup-path': '/web',
  rootfs: '/b/.donor/rootfs',
  bundle: '/b/.donor',
  owner: 'root',
  external_descriptors: JSON.stringify(LINKS),
});

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mvas-state-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

test("runc's state is read, and nothing but the init is replaced", (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'state.json');
  writeFileSync(file, RUNC);
  const noted = { initPid: 70, initStart: '9007199254740993', bundle: '/b/.donor', stdio: LINKS };
  t.deepEqual(readRuntimeState(folder), noted);
  const stdio = ['$&', 'socket:[1]', '/x'] as const;
  replaceInit(folder, { before: BEFORE, pid: asHostPid(80), start: '13', bundle: '/b/$&', stdio });
  t.deepEqual(readRuntimeState(folder), { initPid: 80, initStart: '13', bundle: '/b/$&', stdio });
  const text = readFileSync(file, 'utf8');
  t.regex(text, /"NEWIPC":"\/proc\/80\/ns\/ipc"/);
  t.true(text.endsWith(',"x":9007199254740993}'));
});

test("crun's state is read; its copy of the spec is replaced with the init", (t) => {
  const [folder, bundle] = [folderOf(t), folderOf(t)];
  writeFileSync(join(folder, 'status'), CRUN);
  writeFileSync(join(folder, 'config.json'), '{"donor":true}');
  writeFileSync(join(bundle, 'config.json'), '{"root":{"path":"rootfs"}}');
  const noted = { initPid: 70, initStart: '12', bundle: '/b/.donor', stdio: LINKS };
  t.deepEqual(readRuntimeState(folder), noted);
  replaceInit(folder, { before: BEFORE, pid: asHostPid(80), start: '13', bundle, stdio: LINKS });
  t.deepEqual(readRuntimeState(folder), { initPid: 80, initStart: '13', bundle, stdio: LINKS });
  const status = JSON.parse(readFileSync(join(folder, 'status'), 'utf8')) as object;
  t.like(status, { 'cgroup-path': '/web', owner: 'root', rootfs: 'rootfs' });
  t.is(readFileSync(join(folder, 'config.json'), 'utf8'), '{"root":{"path":"rootfs"}}');
});

test('what is not understood is not read, and not replaced', (t) => {
  const folder = folderOf(t);
  const successor = { before: BEFORE, pid: asHostPid(80), start: '13', bundle: '/b', stdio: LINKS };
  t.is(readRuntimeState(join(folder, 'nowhere')), undefined);
  t.throws(() => {
    replaceInit(folder, successor);
  });
  writeFileSync(join(folder, 'state.json'), '{"external_descriptors":["/dev/null"]}');
  t.is(readRuntimeState(folder)?.stdio, undefined);
  t.throws(
    () => {
      replaceInit(folder, successor);
    },
    { message: /state is unknown/ },
  );
  rmSync(join(folder, 'state.json'));
  writeFileSync(join(folder, 'status'), '{"pid":1}');
  t.is(readRuntimeState(folder), undefined);
});
