// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { decode } from '../../../../src/shim/proto/codec.js';
import { DeleteResponse } from '../../../../src/common/messages/task.js';
import { installLauncher, type LauncherInstall } from '../../../helpers/launcher-install.js';
import { run } from '../../../helpers/run.js';

/** A container as `delete` may find it; `directory` is private to it, and holds the bundle. */
interface Situation {
  readonly title: string;
  readonly prepare: (bundle: string, directory: string) => void | Promise<void>;
  /** Whether the launcher answers itself, without starting Node. */
  readonly isNative: boolean;
  /** Instead of containerd's own arguments. */
  readonly args?: (bundle: string) => string[];
}

const ID = 'some-id';
let install: LauncherInstall;

const usual = (bundle: string): string[] => [
  ...['-namespace', 'ns', '-address', '/no/containerd.sock', '-publish-binary', '/bin/false'],
  ...['-id', ID, '-bundle', bundle, 'delete'],
];

const options = (directory: string, settings: object = {}): string =>
  JSON.stringify({
    binary: '/bin/true',
    root: join(directory, 'runc'),
    systemdCgroup: false,
    ...settings,
  });

const SITUATIONS: readonly Situation[] = [
  { title: 'an empty bundle', prepare: () => undefined, isNative: true },
  {
    title: 'no bundle',
    prepare: (bundle) => {
      rmSync(bundle, { recursive: true });
    },
    isNative: true,
  },
  {
    title: 'a container that runc has deleted',
    prepare: (bundle, directory) => {
      writeFileSync(join(bundle, 'options.json'), options(directory));
      writeFileSync(join(bundle, 'init.pid'), '4711');
      writeFileSync(join(bundle, 'address'), `unix://${directory}/gone`);
      mkdirSync(join(directory, 'runc', 'another-id'), { recursive: true });
    },
    isNative: true,
  },
  {
    title: 'a container that runc knows',
    prepare: (bundle, directory) => {
      writeFileSync(join(bundle, 'options.json'), options(directory));
      mkdirSync(join(directory, 'runc', ID), { recursive: true });
    },
    isNative: false,
  },
  {
    title: 'a root with odd characters',
    prepare: (bundle, directory) => {
      const root = join(directory, 'a"b\\c');
      writeFileSync(join(bundle, 'options.json'), options(directory, { root }));
      mkdirSync(join(root, ID), { recursive: true });
    },
    isNative: false,
  },
  {
    title: 'options that are cut off',
    prepare: (bundle, directory) => {
      writeFileSync(join(bundle, 'options.json'), options(directory).slice(0, -1));
    },
    isNative: false,
  },
  {
    title: 'options in another order',
    prepare: (bundle, directory) => {
      const root = join(directory, 'runc');
      writeFileSync(join(bundle, 'options.json'), JSON.stringify({ root, binary: '/bin/true' }));
    },
    isNative: false,
  },
  {
    title: 'a pid that is none',
    prepare: (bundle) => {
      writeFileSync(join(bundle, 'init.pid'), '12x');
    },
    isNative: false,
  },
  {
    title: 'an address that is not a path',
    prepare: (bundle) => {
      writeFileSync(join(bundle, 'address'), '{"address":"unix:///x"}');
    },
    isNative: false,
  },
  {
    title: 'the socket of a dead daemon',
    prepare: async (bundle, directory) => {
      const path = join(directory, 'dead');
      await run('python3', ['-c', `import socket; socket.socket(1).bind(${JSON.stringify(path)})`]);
      writeFileSync(join(bundle, 'address'), `unix://${path}`);
    },
    isNative: false,
  },
  {
    title: 'flags in another form',
    prepare: () => undefined,
    args: (bundle) => ['--namespace=ns', '--id=some-id', `--bundle=${bundle}`, 'delete'],
    isNative: false,
  },
  {
    title: 'an id that is none',
    prepare: () => undefined,
    args: (bundle) => ['-namespace', 'ns', '-id', '..', '-bundle', bundle, 'delete'],
    isNative: false,
  },
];

test.before('install a launcher', async () => {
  install = await installLauncher();
});

test.after.always('remove it', () => {
  install.remove();
});

for (const situation of SITUATIONS) {
  test(`launcher and Node give the same answer: ${situation.title}`, async (t) => {
    const native = await observe(situation, [install.shim]);
    const node = await observe(situation, [process.execPath, install.entry]);
    t.deepEqual(native.outcome, node.outcome);
    t.true(node.startedNode);
    t.is(native.startedNode, !situation.isNative);
  });
}

test('the socket of a living daemon stays', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-launcher-'));
  const path = join(directory, 'alive');
  const server = createServer().listen(path);
  t.teardown(() => {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const situation: Situation = {
    title: '',
    prepare: (bundle) => {
      writeFileSync(join(bundle, 'address'), `unix://${path}`);
    },
    isNative: true,
  };
  const native = await observe(situation, [install.shim]);
  const node = await observe(situation, [process.execPath, install.entry]);
  t.deepEqual(native.outcome, node.outcome);
  t.false(native.startedNode);
  t.true(existsSync(path));
});

(process.getuid?.() === 0 ? test : test.skip)('a mounted rootfs is unmounted (root)', async (t) => {
  const mounted: Situation = {
    title: '',
    prepare: (bundle) => {
      mkdirSync(join(bundle, 'rootfs'));
    },
    isNative: false,
  };
  // In a mount namespace of its own; what `delete` prints comes first.
  const inside =
    'mount -t tmpfs tmpfs "$0/rootfs" && "$@" && ! grep -q " $0/rootfs" /proc/self/mountinfo';
  const wrap = (bundle: string): string[] => ['unshare', '-m', 'sh', '-c', inside, bundle];
  const native = await observe(mounted, [install.shim], wrap);
  const node = await observe(mounted, [process.execPath, install.entry], wrap);
  t.deepEqual(native.outcome, node.outcome);
  t.is(native.outcome.code, 0);
  t.true(native.startedNode);
});

/** Runs `delete` in a situation: what it answered and left, and whether Node was started. */
async function observe(
  situation: Situation,
  program: readonly string[],
  wrap: (bundle: string) => string[] = () => [],
): Promise<{ outcome: { code: number | null; [key: string]: unknown }; startedNode: boolean }> {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-launcher-'));
  try {
    const bundle = join(directory, 'bundle');
    const marker = join(directory, 'node-was-started');
    mkdirSync(bundle);
    await situation.prepare(bundle, directory);
    const argv = [...wrap(bundle), ...program, ...(situation.args ?? usual)(bundle)];
    const before = Math.floor(Date.now() / 1000);
    const [command = '', ...args] = argv;
    const env = { ...process.env, TEST_MARKER: marker };
    const result = spawnSync(command, args, { env });
    const startedNode = existsSync(marker);
    rmSync(marker, { force: true });
    const { pid, exitStatus, exitedAt } = decode(DeleteResponse, result.stdout);
    const seconds = exitedAt?.seconds ?? 0;
    const isNow = seconds >= before && seconds <= Date.now() / 1000;
    const files = readdirSync(directory, { recursive: true }).map(String).sort();
    const stderr = result.stderr.toString().replaceAll(directory, '');
    return {
      outcome: {
        code: result.status,
        stderr,
        pid,
        exitStatus,
        isNow,
        nanos: (exitedAt?.nanos ?? 0) % 1e6,
        files,
      },
      startedNode,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
