// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { parseReference } from '../../../src/cli/kernel-objects.js';
import { KernelDevice } from '../../../src/criu/index.js';
import { runMain } from '../../helpers/run-main.js';
import { FakeKernel } from './fake-kernel.js';

const BIN = new URL('../../../src/cli/bin.js', import.meta.url).pathname;

test('objects of the kernel are named by kind and name', (t) => {
  t.deepEqual(parseReference('vas/a b'), { kind: 'vas', wanted: 'a b' });
  t.deepEqual(parseReference('segment/3'), { kind: 'segment', wanted: '3' });
  for (const word of ['vas', 'vas/', 'vas/a/b', 'vases/a', '/a', `vas/${'x'.repeat(256)}`]) {
    t.is(parseReference(word), undefined, word);
  }
});

/** `mvas` with fake objects of the kernel. */
function mvas(line: string, kernel = new FakeKernel()) {
  return runMain(line, { openKernel: () => Promise.resolve(kernel) });
}

test('what is to be created is understood', async (t) => {
  const made = async (line: string) => {
    const kernel = new FakeKernel();
    t.like(await mvas(`create ${line}`, kernel), { code: 0, err: '' });
    return [...kernel.list('vas'), ...kernel.list('segment')];
  };
  t.like(await made('vas/jobs'), [{ kind: 'vas', name: 'jobs', mode: 0o600 }]);
  const segment = { kind: 'segment', name: 't', mode: 0o600, start: 0n };
  t.like(await made('segment/t --size 4096'), [{ ...segment, bytes: 4096n }]);
  t.like(await made('--size=64M segment/t --start 0x7000'), [
    { ...segment, bytes: 64n << 20n, start: 0x7000n },
  ]);
  t.like(await made('segment/t --size 1GiB --mode 0640 --json'), [{ mode: 0o640 }]);
});

for (const [line, message] of [
  ['', /takes one vas\/NAME or segment\/NAME/],
  ['jobs', /takes one vas\/NAME or segment\/NAME/],
  ['vas/a vas/b', /takes one vas\/NAME/],
  ['vas/12', /only digits/],
  ['vas/a --mode 755', /not a mode/],
  ['vas/a --mode 0611', /nothing can be executed/],
  ['vas/a --size 4096', /are for segments/],
  ['segment/a', /needs '--size'/],
  ['segment/a --size 1000', /not a multiple of 4096/],
  ['segment/a --size 0', /not a multiple of 4096/],
  ['segment/a --size 64m', /not a size/],
  ['segment/a --size 99999999999999T', /too large/],
  ['segment/a --size 4096 --start 4096', /not an address/],
  ['segment/a --size 4096 --start 0x1001', /not a multiple of 4096/],
] as const) {
  test(`refused: mvas create ${line}`, async (t) => {
    const { code, err } = await mvas(`create ${line}`);
    t.is(code, 2);
    t.regex(err, message);
  });
}

test('create tells the id', async (t) => {
  const kernel = new FakeKernel();
  t.is((await mvas('create vas/jobs', kernel)).out, 'vas/1\n');
  const { out } = await mvas('create segment/t --size 4K --json', kernel);
  t.deepEqual(JSON.parse(out), { kind: 'segment', id: 1, name: 't' });
  t.like(kernel.list('segment'), [{ name: 't', bytes: 4096n, mode: 0o600 }]);
  t.true(kernel.isClosed);
});

test('attach-segment finds both by id or name', async (t) => {
  const kernel = new FakeKernel();
  for (const name of ['jobs', 'more']) kernel.create(name, 0o600);
  kernel.createSegment({ name: 't', mode: 0o600, start: 0x7000n, length: 4096n });
  t.deepEqual(await mvas('attach-segment vas/more segment/t', kernel), {
    code: 0,
    out: '',
    err: '',
  });
  const { out } = await mvas('attach-segment vas/1 segment/1 --read-only --json', kernel);
  t.deepEqual(JSON.parse(out), { vas: 1, segment: 1, isWritable: false });
  t.deepEqual(kernel.attached, [
    [2, 1, true],
    [1, 1, false],
  ]);
});

test('attach-segment refuses what makes no sense', async (t) => {
  const kernel = new FakeKernel();
  kernel.create('jobs', 0o600);
  kernel.createSegment({ name: 'anywhere', mode: 0o600, start: 0n, length: 4096n });
  const run = async (words: string) => {
    const { code, err } = await mvas(`attach-segment ${words}`, kernel);
    return `${String(code)} ${err}`;
  };
  t.regex(await run('vas/jobs segment/anywhere'), /^1 .*created without --start/);
  t.regex(await run('vas/jobs segment/nobody'), /^1 .*no segment 'nobody' in the kernel/);
  t.regex(await run('segment/a vas/b'), /^2 .*takes one vas\/NAME and one segment\/NAME/);
  t.regex(await run('vas/a'), /^2 .*takes one vas\/NAME and one segment\/NAME/);
});

test('a file that is not the device is refused, with what to do', (t) => {
  t.throws(() => KernelDevice.open('/dev/no-such-device'), { message: /remedy: modprobe mvas/ });
  t.throws(() => KernelDevice.open('/dev/null'), { message: /something else of that name/ });
  t.is(KernelDevice.tryOpen('/dev/null'), undefined);
});

test('as a command: help, and what to do without the module', (t) => {
  const executable = (...args: string[]) =>
    spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8' });
  for (const verb of ['create', 'attach-segment']) {
    t.like(executable(verb, '--help'), { status: 0, stderr: '' });
    t.is(executable(verb, '--frob').status, 2);
  }
  const device = KernelDevice.tryOpen();
  device?.close();
  if (device) return; // The guest's tests see it work.
  for (const args of [['-la'], ['create', 'vas/jobs'], ['attach-segment', 'vas/a', 'segment/b']]) {
    const { status, stderr } = executable(...args);
    t.is(status, 1);
    t.regex(stderr, /^mvas.*: the module mvas is not loaded; remedy: modprobe mvas/);
  }
});
