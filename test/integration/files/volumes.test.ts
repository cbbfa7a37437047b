// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mvasEngine } from '../../helpers/targets-engine.js';
import { TargetRun } from '../../helpers/targets-run.js';
import { REPOSITORY } from '../../helpers/paths.js';

/** Files that another program changes while a container has them open, or between checkpoint and restore. */
const engine = mvasEngine(REPOSITORY);
const CONTENT = 'the old content';

const built = mkdtempSync(join(tmpdir(), 'mvas-volumes-'));
const program = join(built, 'volume');
// prettier-ignore
execFileSync('gcc', ['-std=gnu11', '-D_GNU_SOURCE', '-O1', '-Wall', '-Werror', '-Wno-unused-function',
  '-Wno-unused-variable', '-static', '-o', program, join(REPOSITORY, 'test/integration/files/volume.c')]);
test.after.always(() => {
  rmSync(built, { recursive: true });
});

interface Spec {
  process: { args: string[] };
  mounts: { destination: string; type: string; source: string; options: string[] }[];
}

/** A container of the program, with a folder of the host as its /vol. */
class Volume {
  readonly run: TargetRun;
  readonly folder: string;
  readonly root: string;

  constructor(t: ExecutionContext, mode: string, access: 'ro' | 'rw') {
    t.timeout(120_000);
    const target = {
      name: 'volume',
      needs: [],
      expect: { kind: 'restore' },
      varies: ['cwd'],
    } as const;
    this.run = new TargetRun(target, engine, program);
    t.teardown(() => this.run.close(!t.passed));
    const { bundle } = this.run.place;
    this.root = join(bundle, 'rootfs');
    this.folder = join(this.run.folder, 'volume');
    mkdirSync(this.folder);
    mkdirSync(join(this.root, 'vol'));
    fill(this.folder);
    const config = join(bundle, 'config.json');
    const spec = JSON.parse(readFileSync(config, 'utf8')) as Spec;
    spec.process.args = ['/target', mode];
    const options = ['rbind', access];
    spec.mounts.push({ destination: '/vol', type: 'bind', source: this.folder, options });
    writeFileSync(config, JSON.stringify(spec));
  }

  /** Checkpoints the container and ends it; resolves with the image. */
  async checkpoint(t: ExecutionContext): Promise<string> {
    const { imagePath, result } = await this.run.checkpoint(false);
    t.is(result.status, 0, result.stderr);
    return imagePath;
  }
}

function fill(folder: string): void {
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'app.conf'), CONTENT);
  writeFileSync(join(folder, 'other.log'), 'by others\n');
  execFileSync('mkfifo', [join(folder, 'fifo')]);
}

for (const generations of [1, 2]) {
  test(`what was removed from a read-only volume is restored ${String(generations)} times`, async (t) => {
    const volume = new Volume(t, 'removed', 'ro');
    const { run, folder } = volume;
    t.is(await run.start(), 'READY');
    for (const name of ['app.conf', 'fifo']) rmSync(join(folder, name));
    rmdirSync(join(folder, 'folder'));
    const before = await run.view();
    for (let at = 0; at < generations; at += 1) {
      await run.restore(await volume.checkpoint(t));
    }
    t.deepEqual(await run.compare(before), []);
    t.deepEqual(readdirSync(folder), ['other.log'], 'no name is left');
    t.is(await run.go(), 'PASS');
  });
}

test('what was replaced in the root, or removed from it, is restored', async (t) => {
  const volume = new Volume(t, 'removed', 'rw');
  const { run, root } = volume;
  const config = join(run.place.bundle, 'config.json');
  writeFileSync(config, readFileSync(config, 'utf8').replaceAll('"/vol"', '"/data"'));
  const lower = join(run.folder, 'lower');
  renameSync(root, lower);
  fill(join(lower, 'vol'));
  const [upper, work] = [join(run.folder, 'upper'), join(run.folder, 'work')];
  for (const folder of [root, upper, work]) mkdirSync(folder);
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, root]);
  t.teardown(() => execFileSync('umount', ['--lazy', root]));
  t.is(await run.start(), 'READY');
  for (const name of ['vol/app.conf', 'target']) {
    copyFileSync(join(root, name), join(root, 'new'));
    renameSync(join(root, 'new'), join(root, name));
  }
  rmSync(join(root, 'vol/fifo'));
  rmdirSync(join(root, 'vol/folder'));
  const left = readdirSync(join(root, 'vol'));
  for (let at = 0; at < 2; at += 1) {
    await run.restore(await volume.checkpoint(t));
  }
  t.deepEqual(readdirSync(join(root, 'vol')), left, 'no name is left');
  t.is(await run.go(), 'PASS');
});

test('a restore that fails leaves no deleted file, FIFO or directory', async (t) => {
  const volume = new Volume(t, 'secret', 'rw');
  const { run, folder, root } = volume;
  t.is(await run.start(), 'READY');
  const imagePath = await volume.checkpoint(t);
  rmSync(join(folder, 'app.conf'));
  await t.throwsAsync(run.restore(imagePath), {
    message: /\/vol\/app\.conf is no longer there/,
  });
  t.deepEqual(readdirSync(join(root, 'data')), []);
  writeFileSync(join(folder, 'app.conf'), CONTENT);
  await run.restore(imagePath);
  t.deepEqual(readdirSync(join(root, 'data')), []);
  t.is(await run.go(), 'PASS');
});

test('logs of a volume that have grown are restored with their positions', async (t) => {
  const volume = new Volume(t, 'log', 'rw');
  t.is(await volume.run.start(), 'READY');
  const imagePath = await volume.checkpoint(t);
  for (const name of ['app.log', 'other.log']) appendFileSync(join(volume.folder, name), 'more');
  await volume.run.restore(imagePath);
  t.is(await volume.run.go(), 'PASS');
});

const CHANGES = {
  truncated: [
    (path: string) => {
      truncateSync(path, 1);
    },
    'has 1 bytes, and had',
  ],
  rotated: [
    (path: string) => {
      renameSync(path, `${path}.1`);
      writeFileSync(path, 'new');
    },
    'has 3 bytes, and had',
  ],
  removed: [
    (path: string) => {
      rmSync(path);
    },
    'is no longer there; it had',
  ],
} as const;

for (const [change, [make, words]] of Object.entries(CHANGES)) {
  test(`logs of a volume that were ${change} are told with their sizes`, async (t) => {
    const volume = new Volume(t, 'log', 'rw');
    const { run, folder } = volume;
    t.is(await run.start(), 'READY');
    const imagePath = await volume.checkpoint(t);
    const log = join(folder, 'app.log');
    const kept = `${log}.kept`;
    copyFileSync(log, kept);
    make(log);
    const error = await t.throwsAsync(run.restore(imagePath));
    const said = `pid 1 (target) fd 3: /vol/app.log ${words} 6`;
    t.true(error.message.includes(said), error.message);
    t.true(error.message.includes('remedy:') && !error.message.includes('errno'), error.message);
    // The remedy works; the different inode is reported.
    renameSync(kept, log);
    await run.restore(imagePath);
    const warning = run.said.find((line) => line.includes('other inode numbers')) ?? '';
    t.regex(warning, /count=1.*\/vol\/app\.log/);
    t.is(await run.go(), 'PASS');
    t.false(existsSync(kept));
  });
}
