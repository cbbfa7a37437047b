// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { DEFAULT_SOCKET_DIR, GROUP, socketPath } from '../../../../src/common/daemon-socket.js';
import { encode } from '../../../../src/shim/proto/codec.js';
import { BootstrapParams } from '../../../../src/shim/proto/messages/bootstrap.js';
import { installLauncher, type LauncherInstall } from '../../../helpers/launcher-install.js';

const ID = 'some-id';
const NAMESPACE = 'ns';
const SANDBOX = 'io.kubernetes.cri.sandbox-id';
const PROTOCOL = 'mvas.protocol';

/** A container of a group that has a daemon. */
interface Situation {
  readonly title: string;
  /** Its spec; or the text of that. */
  readonly spec: object | string;
  /** The group that its daemon serves; default: `pod`. */
  readonly group?: string;
  /** What containerd writes to stdin; the argument is private to the container. */
  readonly input?: (directory: string) => Uint8Array;
  /** Where the daemon's socket is. */
  readonly sockets?: (directory: string) => string;
  readonly env?: NodeJS.ProcessEnv;
  /** containerd's socket. */
  readonly address?: (directory: string) => string;
  /** Whether the launcher answers itself, without starting Node. */
  readonly isNative: boolean;
}

const withAnnotations = (annotations: object): object => ({
  ociVersion: '1.0.2',
  annotations,
  root: { path: 'rootfs' },
  process: { args: ['"}', '\\', ']'], rlimits: [{ hard: 1024, soft: -1.5e3 }, [], {}] },
  linux: { resources: null, seccomp: { a: [[[{}]]], b: true } },
});

const params = (socketDir: string): Uint8Array =>
  encode(BootstrapParams, { instanceId: ID, namespace: NAMESPACE, socketDir });

const SITUATIONS: readonly Situation[] = [
  {
    title: 'a clone of a fork',
    spec: withAnnotations({ [GROUP]: 'mvas-fork-0123456789abcdef-0' }),
    group: 'mvas-fork-0123456789abcdef-0',
    isNative: true,
  },
  {
    title: 'a container of a pod',
    spec: withAnnotations({ other: 'x "quoted"', [SANDBOX]: 'pod' }),
    isNative: true,
  },
  {
    title: 'a group and a pod',
    spec: withAnnotations({ [SANDBOX]: 'other', [GROUP]: 'pod' }),
    isNative: true,
  },
  {
    title: 'an empty group in a pod',
    spec: withAnnotations({ [SANDBOX]: 'pod', [GROUP]: '' }),
    isNative: true,
  },
  {
    title: 'runtime options on stdin',
    spec: withAnnotations({ [GROUP]: 'pod' }),
    input: () => Buffer.from('\n\u0020containerd.runc.v1.Options\u0012\u0002\b\u0001'),
    isNative: true,
  },
  {
    title: 'another directory for sockets',
    spec: withAnnotations({ [GROUP]: 'pod' }),
    input: (directory) => params(join(directory, 's')),
    sockets: (directory) => join(directory, 's'),
    isNative: false,
  },
  {
    title: 'a group of a name that is a path',
    spec: withAnnotations({ [GROUP]: 'a/../pod' }),
    isNative: false,
  },
  {
    title: 'no annotations',
    spec: { root: { path: 'rootfs' } },
    group: ID,
    isNative: false,
  },
  {
    title: 'annotations elsewhere in the spec',
    spec: { linux: { annotations: { [GROUP]: 'other' } } },
    group: ID,
    isNative: false,
  },
  {
    title: 'a group that is named twice',
    spec: `{"annotations": {"${GROUP}": "other", "${GROUP}": "pod"}}`,
    isNative: false,
  },
  {
    title: 'annotations that are there twice',
    spec: `{"annotations": {"${GROUP}": "other"}, "annotations": {"${SANDBOX}": "pod"}}`,
    isNative: false,
  },
  {
    title: 'annotations of an escaped name',
    spec: `{"annotations": {"${GROUP}": "other"}, "\\u0061nnotations": {"${GROUP}": "pod"}}`,
    isNative: false,
  },
  {
    title: 'a group with an escaped letter',
    spec: `{"annotations": {"${GROUP}": "p\\u006fd"}}`,
    isNative: false,
  },
  {
    title: 'a spec that is cut off',
    spec: JSON.stringify(withAnnotations({ [GROUP]: 'pod' })).slice(0, -1),
    isNative: false,
  },
  {
    title: 'a spec with something behind it',
    spec: `${JSON.stringify(withAnnotations({ [GROUP]: 'pod' }))}x`,
    isNative: false,
  },
  {
    title: 'another protocol',
    spec: withAnnotations({ [GROUP]: 'pod', [PROTOCOL]: 'ttrpc-v3' }),
    isNative: false,
  },
  {
    title: 'a protocol that is none',
    spec: withAnnotations({ [GROUP]: 'pod', [PROTOCOL]: 'smtp' }),
    isNative: false,
  },
  {
    title: 'another protocol for all',
    spec: withAnnotations({ [GROUP]: 'pod' }),
    env: { MVAS_PROTOCOL: 'grpc', MAX_SHIM_VERSION: '2' },
    isNative: false,
  },
  {
    title: 'an address that is not plain',
    spec: withAnnotations({ [GROUP]: 'pod' }),
    address: (directory) => `${directory}//c.sock`,
    isNative: false,
  },
];

let install: LauncherInstall;

test.before('install a launcher', async () => {
  install = await installLauncher();
});

test.after.always('remove it', () => {
  install.remove();
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

for (const situation of SITUATIONS) {
  asRoot(`launcher and Node find the same daemon: ${situation.title} (root)`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'mvas-launcher-'));
    const address = situation.address?.(directory) ?? join(directory, 'c.sock');
    const place = situation.sockets?.(directory) ?? DEFAULT_SOCKET_DIR;
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const socket = socketPath(place, address, NAMESPACE, situation.group ?? 'pod');
    const wrong = [place, DEFAULT_SOCKET_DIR].map((where) =>
      socketPath(where, address, NAMESPACE, where === place ? 'other' : 'pod'),
    );
    // Whoever errs finds a wrong one.
    const servers = await Promise.all([...new Set([socket, ...wrong])].map(listening));
    t.teardown(() => {
      for (const server of servers) server.close();
      rmSync(directory, { recursive: true, force: true });
    });
    const native = observe(situation, [install.shim], { directory, address });
    const node = observe(situation, [process.execPath, install.entry], { directory, address });
    t.deepEqual(native.outcome, node.outcome);
    t.true(node.startedNode);
    t.is(native.startedNode, !situation.isNative);
    if (situation.isNative) t.is(native.outcome.stdout, `unix://${socket}`);
  });
}

asRoot('a group whose daemon was killed is left to Node (root)', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-launcher-'));
  const address = join(directory, 'c.sock');
  const socket = socketPath(DEFAULT_SOCKET_DIR, address, NAMESPACE, 'pod');
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
  const script = `import socket; socket.socket(1).bind(${JSON.stringify(socket)})`;
  spawnSync('python3', ['-c', script]);
  t.true(existsSync(socket));
  t.teardown(() => {
    rmSync(socket, { force: true });
    rmSync(directory, { recursive: true, force: true });
  });
  const own = await installLauncher();
  t.teardown(() => {
    own.remove();
  });
  writeFileSync(own.entry, `require('node:fs').writeFileSync(process.env.TEST_MARKER, '')`);
  const situation = { title: '', spec: withAnnotations({ [GROUP]: 'pod' }), isNative: false };
  const { outcome, startedNode } = observe(situation, [own.shim], { directory, address });
  t.true(startedNode);
  t.is(outcome.stdout, '');
  t.deepEqual(
    outcome.files.map(([name]) => name),
    ['config.json'],
  );
});

async function listening(path: string): Promise<Server> {
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  return server;
}

/** Runs `start` in a situation: what it answered and left, and whether Node was started. */
function observe(
  situation: Situation,
  [command = '', ...words]: readonly string[],
  { directory, address }: { readonly directory: string; readonly address: string },
) {
  const bundle = join(directory, 'bundle');
  const marker = join(directory, 'node-was-started');
  mkdirSync(bundle);
  const { spec, input, env } = situation;
  const config = typeof spec === 'string' ? spec : JSON.stringify(spec);
  writeFileSync(join(bundle, 'config.json'), config);
  const flags = ['-namespace', NAMESPACE, '-address', address, '-publish-binary', '/bin/false'];
  const result = spawnSync(command, [...words, ...flags, '-id', ID, 'start'], {
    cwd: bundle,
    input: input?.(directory) ?? '',
    env: { ...process.env, ...env, TEST_MARKER: marker, MVAS_STANDBY: '0' },
  });
  const startedNode = existsSync(marker);
  rmSync(marker, { force: true });
  const files = readdirSync(bundle).map((name) => {
    const path = join(bundle, name);
    return [name, statSync(path).mode, readFileSync(path, 'utf8')];
  });
  rmSync(bundle, { recursive: true });
  const [stdout, stderr] = [result.stdout.toString(), result.stderr.toString()];
  return { outcome: { code: result.status, stdout, stderr, files }, startedNode };
}
