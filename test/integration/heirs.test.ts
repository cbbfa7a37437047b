// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { HostPid } from '../../src/common/ids.js';
import {
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE_ANONYMOUS,
  PROT_READ_WRITE,
} from '../../src/native/abi/index.js';
import { SYS } from '../../src/native/sys.js';
import { clearHolder } from '../../src/criu/memory/live/kernel-areas.js';
import { PlanBuilder } from '../../src/criu/plan/builder.js';
import { readStatus } from '../../src/criu/procfs/reader.js';
import { inspectVas, removeVas } from '../../src/criu/index.js';
import { createVas, forkVas, type NewVas } from '../../src/criu/vas/store.js';
import { until } from '../helpers/run.js';

const folder = mkdtempSync(join(tmpdir(), 'mvas-heirs-'));
process.env['MVAS_ROOT'] = folder;

test.after.always(() => {
  rmSync(folder, { recursive: true });
});

const BASE = 0x200000000000n;
const AT = 0x100000000000n;
const LENGTH = 64n << 20n;

function owned(t: ExecutionContext, vas: NewVas): NewVas {
  t.teardown(async () => {
    vas.lifeline.cut();
    vas.holder.close();
    await removeVas(vas.id);
  });
  return vas;
}

/** Has a holder write a text at an address, after mapping the range if asked to. */
async function write({ holder }: NewVas, at: bigint, text: string, maps = false): Promise<void> {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('test');
  if (maps) {
    const flags = MAP_PRIVATE_ANONYMOUS | MAP_FIXED_NOREPLACE;
    sequence.syscall('map', SYS.mmap, [AT, LENGTH, PROT_READ_WRITE, flags, -1, 0], { expect: AT });
  }
  const bytes = Buffer.from(text);
  sequence.copy('write', at, builder.data(bytes, 1), bytes.length);
  sequence.end();
  await holder.run(builder.finish(), BASE, sequence.offset);
}

/** Whether a process exists. */
const isAlive = (pid: HostPid) => existsSync(`/proc/${String(pid)}`);

function read(pid: HostPid, at: bigint, length: number): string {
  const memory = openSync(`/proc/${String(pid)}/mem`, 'r');
  const bytes = Buffer.alloc(length);
  readSync(memory, bytes, 0, length, at);
  closeSync(memory);
  return bytes.toString();
}

/** A VAS with some text, as a complete one is. */
async function origin(t: ExecutionContext): Promise<NewVas & { readonly pid: HostPid }> {
  const vas = owned(t, await createVas());
  const { pid } = await vas.holder.status();
  await clearHolder(vas.holder, pid, BASE);
  await write(vas, AT, 'first', true);
  await vas.holder.seal();
  return { ...vas, pid };
}

function descriptorsOf(pid: HostPid): string[] {
  const fds = `/proc/${String(pid)}/fd`;
  return readdirSync(fds).map((fd) => `${fd} ${readlinkSync(join(fds, fd)).replace(/\d+/, 'N')}`);
}

test('the fork of a holder is one of its own', async (t) => {
  const first = await origin(t);
  const second = owned(t, await forkVas(first.id));
  const { pid, isSealed, forks } = await second.holder.status();
  t.deepEqual([isSealed, forks], [false, 0]);
  t.is(read(pid, AT, 5), 'first');
  await write(second, AT, 'other');
  t.deepEqual([read(first.pid, AT, 5), read(pid, AT, 5)], ['first', 'other']);
  const status = readStatus(pid);
  const keeper = readStatus(status.ppid);
  t.deepEqual([status.name, keeper.name], ['mvas-holder', 'mvas-keeper']);
  t.not(status.ppid, readStatus(first.pid).ppid);
  t.true((await first.holder.status()).isSealed);
  await t.throwsAsync(write(first, AT, 'wrong'), { message: /EPERM/ });
  const kept = readFileSync(`/proc/${String(status.ppid)}/maps`, 'utf8');
  t.false(kept.includes(AT.toString(16)), 'its keeper has none of the memory');
  // 0 to 2, the socket on which it listens, and our connection.
  t.is(descriptorsOf(pid).length, 5, descriptorsOf(pid).join('\n'));
  const cgroup = readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8');
  t.true(cgroup.includes(second.id));
});

test('neither depends on the other', async (t) => {
  const first = await origin(t);
  const second = owned(t, await forkVas(first.id));
  const { pid } = await second.holder.status();
  const oldKeeper = readStatus(first.pid).ppid;
  first.lifeline.complete();
  first.holder.close();
  await removeVas(first.id);
  await until('the first to have ended', () =>
    Promise.resolve(!isAlive(first.pid) && !isAlive(oldKeeper)),
  );
  t.is(read(pid, AT, 5), 'first');
  const third = owned(t, await forkVas(second.id));
  const { pid: heir } = await third.holder.status();
  third.lifeline.complete();
  third.holder.close();
  await removeVas(third.id);
  await until('the heir to have ended', () => Promise.resolve(!isAlive(heir)));
  t.is(read(pid, AT, 5), 'first');
});

test('one that nobody completes ends with its maker', async (t) => {
  const first = await origin(t);
  const second = owned(t, await forkVas(first.id));
  const { pid } = await second.holder.status();
  const keeper = readStatus(pid).ppid;
  second.lifeline.cut();
  await until('its holder to have ended', () => Promise.resolve(!isAlive(pid)));
  await until('its keeper to have ended', () => Promise.resolve(!isAlive(keeper)));
  t.is((await inspectVas(second.id)).state, 'lost');
  t.is(read(first.pid, AT, 5), 'first');
});

test('one that is complete outlives its lifeline', async (t) => {
  const first = await origin(t);
  const second = owned(t, await forkVas(first.id));
  const { pid } = await second.holder.status();
  second.lifeline.complete();
  const keeper = readStatus(pid).ppid;
  const hasPipe = () => descriptorsOf(keeper).some((line) => line.includes('pipe:'));
  await until('the keeper to have heard', () => Promise.resolve(!hasPipe()));
  t.is((await inspectVas(second.id)).holder?.pid, pid);
});

test('a hundred generations later there is as much stack, and no process too many', async (t) => {
  const first = await origin(t);
  let last: NewVas = first;
  const pids: HostPid[] = [];
  for (let i = 0; i < 100; i++) {
    const next = await forkVas(last.id);
    if (last !== first) {
      last.lifeline.cut();
      last.holder.close();
      await removeVas(last.id);
    }
    pids.push((await next.holder.status()).pid);
    last = next;
  }
  owned(t, last);
  await write(last, AT + 4096n, 'last');
  const pid = pids.at(-1) ?? first.pid;
  t.deepEqual([read(pid, AT, 5), read(pid, AT + 4096n, 4)], ['first', 'last']);
  await until('all others to have ended', () => {
    return Promise.resolve(pids.slice(0, -1).every((one) => !isAlive(one)));
  });
  const stack = BASE + 0x100000n;
  const smaps = readFileSync(`/proc/${String(pid)}/smaps`, 'utf8');
  const at = smaps.indexOf(`-${stack.toString(16)} `);
  t.true(Number(/Rss: +(\d+) kB/.exec(smaps.slice(at))?.[1]) < 64);
});

test('a holder that holds nothing yet has no heir', async (t) => {
  const { id } = owned(t, await createVas());
  await t.throwsAsync(forkVas(id), { message: /EINVAL/ });
});
