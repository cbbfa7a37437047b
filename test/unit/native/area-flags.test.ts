// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asHostPid, ownPid } from '../../../src/common/ids.js';
import { readStillAreas } from '../../../src/criu/memory/live/area-flags.js';
import { isDue, learnUsualFlags } from '../../../src/criu/memory/live/sample-areas.js';
import { readMaps, readSmaps, readStat } from '../../../src/criu/procfs/reader.js';
import type { SmapsVma } from '../../../src/criu/procfs/smaps.js';
import { MAP_NORESERVE, MAP_PRIVATE_ANONYMOUS, PAGE } from '../../../src/native/abi/index.js';
import { FLAGS_ROW, loadAreaFlags, readAreaFlags } from '../../../src/native/area-flags.js';
import { pageScan } from '../../../src/native/kernel-facts.js';
import { KernelTypes } from '../../../src/native/btf.js';
import { syscall } from '../../../src/native/index.js';
import { SYS } from '../../../src/native/sys.js';
import { until } from '../../helpers/run.js';

/** More areas than an iterator reports by one read. */
const MANY = 2000;
const PAGE_BYTES = Number(PAGE);

test.serial('each area is reported once, however many there are', (t) => {
  if (!loadAreaFlags(() => true)) {
    t.log('this kernel cannot');
    t.pass();
    return;
  }
  const size = 2 * MANY * PAGE_BYTES;
  const start = syscall(SYS.mmap, 0, size, 0, MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE, -1, 0);
  try {
    for (let index = 0; index < MANY; index++) {
      syscall(SYS.mprotect, start + 2 * index * PAGE_BYTES, PAGE_BYTES, 1);
    }
    const flags = readAreaFlags(ownPid()) ?? t.fail('nothing is reported');
    const starts = [...flags].filter((_, index) => index % FLAGS_ROW === 0);
    t.deepEqual(
      starts,
      [...new Set(starts)].sort((a, b) => (a < b ? -1 : 1)),
    );
    const isOurs = (address: bigint) => address >= BigInt(start) && address < BigInt(start + size);
    const mapped = readMaps(ownPid()).map((area) => area.start);
    t.deepEqual(starts.filter(isOurs), mapped.filter(isOurs));
    t.true(starts.filter(isOurs).length >= 2 * MANY - 1);
  } finally {
    syscall(SYS.munmap, start, size);
  }
});

test('a program is loaded once a minute at most', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'flags-'));
  try {
    const stamp = join(directory, 'stamp');
    t.deepEqual([isDue(stamp), isDue(stamp)], [true, false]);
    const old = new Date(Date.now() - 61_000);
    await utimes(stamp, old, old);
    t.true(isDue(stamp));
  } finally {
    await rm(directory, { recursive: true });
  }
});

test.serial('a second process takes the program of the first', async (t) => {
  const module = fileURLToPath(new URL('../../../src/native/area-flags.js', import.meta.url));
  const own = programsOf(process.pid);
  const code = `(await import(${JSON.stringify(module)})).loadAreaFlags(() => false); console.log('ready'); process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'pipe' });
  try {
    await once(child.stdout, 'data');
    t.deepEqual(programsOf(child.pid ?? 0), own);
    t.is(own.length, loadAreaFlags(() => true) ? 1 : 0);
  } finally {
    child.kill('SIGKILL');
  }
});

/** Ids of the BPF programs that a process has. */
function programsOf(pid: number): string[] {
  const directory = `/proc/${String(pid)}/fdinfo`;
  return readdirSync(directory).flatMap((fd) => {
    try {
      return /^prog_id:\s*(\d+)$/m.exec(readFileSync(join(directory, fd), 'utf8'))?.slice(1) ?? [];
    } catch {
      return []; // It is closed again.
    }
  });
}

test.serial('of a process that does not exist, nothing is reported', (t) => {
  t.is(readAreaFlags(0x7fffffff), undefined);
});

test('members are found in unions without names, and functions by name', (t) => {
  const names = Buffer.from('\0outer\0inner\0plain\0call\0');
  const at = (name: string): number => names.indexOf(`\0${name}\0`) + 1;
  const struct = 4 << 24;
  const union = 5 << 24;
  const types = Uint32Array.of(
    ...[0, union | 1, 8, at('inner'), 0, 32], // 1: a union without a name
    ...[at('outer'), struct | 2, 16, at('plain'), 0, 64, 0, 1, 128], // 2
    ...[at('call'), 12 << 24, 0], // 3
  );
  const head = Uint32Array.of(0x1eb9f, 24, 0, types.byteLength, types.byteLength, names.length);
  const bytes = Buffer.concat(
    [head, types].map((words) => Buffer.from(words.buffer)).concat(names),
  );
  const kernel = new KernelTypes(bytes);
  t.deepEqual(kernel.offsetsOf('outer', ['plain', 'inner']), [8, 20]);
  t.is(kernel.offsetsOf('outer', ['plain', 'none']), undefined);
  t.is(kernel.offsetsOf('inner', []), undefined);
  t.is(kernel.functionId('call'), 3);
  t.is(kernel.functionId('outer'), undefined);
});

/** What is the same, however the areas are read. */
function lasting(vmas: readonly SmapsVma[]): object[] {
  return vmas.map((vma) => ({ ...vma, rss: 0, swap: 0, anonHugePages: 0 }));
}

test.serial('areas read by their flags are those of smaps', async (t) => {
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    const pid = asHostPid(child.pid ?? 0);
    child.kill('SIGSTOP'); // Its program still loads its libraries.
    await until('it to stop', () => Promise.resolve(readStat(pid).state === 'T'));
    loadAreaFlags(() => true);
    learnUsualFlags('/nowhere');
    const vmas = readStillAreas(pid);
    t.deepEqual(lasting(vmas), lasting(readSmaps(pid)));
    // By its flags, an area counts as being in memory as a whole: with smaps, some would not be.
    const isByFlags = vmas.every(({ start, end, rss }) => BigInt(rss) === end - start);
    t.is(isByFlags, loadAreaFlags(() => true) && pageScan() !== 'none');
  } finally {
    child.kill('SIGKILL');
  }
});
