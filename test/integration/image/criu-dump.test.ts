// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readCheckpointImage } from '../../../src/criu/image/checkpoint-image.js';
import {
  decodeImage,
  decodePagemap,
  decodePayloadImage,
  encodeImage,
  encodePagemap,
  encodePayloadImage,
} from '../../../src/criu/image/codec.js';
import {
  kindInfo,
  parseImageFileName,
  type EntryKind,
  type ImageKind,
  type PagemapKind,
  type PayloadKind,
} from '../../../src/criu/image/header.js';
import { ImageReader } from '../../../src/criu/image/image-reader.js';
import { decodeQueues, encodeQueues } from '../../../src/criu/image/queues.js';
import { validateImage } from '../../../src/criu/image/validate.js';
import { IMAGE_RULES } from '../../../src/criu/resources/rules.js';

const WORKLOAD = join('test', 'integration', 'image', 'workload.py');
const fetched = spawnSync('bash', [join('scripts', 'fetch-criu.sh')], { encoding: 'utf8' });

if (fetched.status !== 0) {
  test.skip(`a checkpoint that CRIU took: ${fetched.stderr.trim()}`, (t) => {
    t.fail();
  });
} else {
  test('a checkpoint that CRIU took is read, valid, and written again byte for byte', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'mvas-criu-'));
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const images = join(folder, 'images');
    dump(t, join(fetched.stdout.trim(), 'criu'), await startWorkload(t, folder), images);
    let rewritten = 0;
    for (const name of readdirSync(images)) {
      const kind = parseImageFileName(name)?.kind;
      if (kind === undefined) {
        t.fail(`${name} is not known`);
        continue;
      }
      const bytes = readFileSync(join(images, name));
      const again = rewrite(kind, bytes);
      if (!again) continue;
      t.is(Buffer.compare(again, bytes), 0, name);
      rewritten++;
    }
    t.true(rewritten > 20, `${String(rewritten)} files compared`);
    check(t, images);
  });
}

/** Starts the workload as process 1 of its own pid namespace; returns its pid outside. */
async function startWorkload(t: ExecutionContext, folder: string): Promise<number> {
  const unshare = ['--pid', '--fork', '--kill-child', 'setsid', 'python3', WORKLOAD, folder];
  const watcher = watch(folder);
  const outer = spawn('unshare', unshare, { stdio: 'ignore', detached: true });
  t.teardown(() => outer.kill('SIGKILL'));
  while (!readdirSync(folder).includes('ready')) {
    await once(watcher, 'change', { signal: AbortSignal.timeout(30_000) });
  }
  watcher.close();
  const { pid = 0 } = outer;
  const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
  return Number(children.trim());
}

function dump(t: ExecutionContext, criu: string, pid: number, images: string): void {
  mkdirSync(images);
  const options = ['--images-dir', images, '--leave-running', '-v1'];
  const run = spawnSync(criu, ['dump', '--tree', String(pid), ...options], { encoding: 'utf8' });
  t.is(run.status, 0, run.stderr);
}

/** Decoded and encoded again; undefined for kinds that we write differently from CRIU. */
function rewrite(kind: ImageKind, bytes: Uint8Array): Uint8Array | undefined {
  switch (kindInfo(kind).layout) {
    case 'single':
    case 'entries':
      return encodeImage(kind as EntryKind, decodeImage(kind as EntryKind, bytes));
    case 'payload':
      return encodePayloadImage(
        kind as PayloadKind,
        decodePayloadImage(kind as PayloadKind, bytes),
      );
    case 'pagemap':
      return encodePagemap(kind as PagemapKind, decodePagemap(kind as PagemapKind, bytes));
    case 'queues':
      return encodeQueues(decodeQueues(bytes));
    case 'ghost':
    case 'raw':
      return undefined;
  }
}

function check(t: ExecutionContext, images: string): void {
  const reader = ImageReader.open(images);
  t.teardown(() => {
    reader.close();
  });
  const image = readCheckpointImage(reader);
  t.notThrows(() => {
    validateImage(image, IMAGE_RULES);
  });
  t.is(image.vas, undefined);
  t.is(image.pstree.length, 2);
  t.is(image.pstree[0]?.threads.length, 2);
  t.is(image.cores.size, 3);
  t.is(Buffer.from(image.pipeData[0]?.payload ?? []).toString(), 'hello');
  t.is(Buffer.from(image.packets[0]?.payload ?? []).toString(), 'x');
  const ghosts = [...image.ghosts.values()];
  t.deepEqual(
    ghosts.map(({ content }) => Buffer.from(content[0]?.data ?? []).toString()),
    ['deleted'],
  );
}
