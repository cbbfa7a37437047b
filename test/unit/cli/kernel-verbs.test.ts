// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { parseAttachSegment, runAttachSegment } from '../../../src/cli/attach-segment.js';
import { parseCreate, runCreate } from '../../../src/cli/create.js';
import { parseReference } from '../../../src/cli/kernel-objects.js';
import { UsageError } from '../../../src/cli/usage.js';
import { KernelDevice } from '../../../src/criu/index.js';
import { FakeKernel } from './fake-kernel.js';

const BIN = new URL('../../../src/cli/bin.js', import.meta.url).pathname;

test('objects of the kernel are named by kind and name', (t) => {
  t.deepEqual(parseReference('vas/a b'), { kind: 'vas', wanted: 'a b' });
  t.deepEqual(parseReference('segment/3'), { kind: 'segment', wanted: '3' });
  for (const word of ['vas', 'vas/', 'vas/a/b', 'vases/a', '/a', `vas/${'x'.repeat(256)}`]) {
    t.is(parseReference(word), undefined, word);
  }
});

test('what is to be created is understood', (t) => {
  const common = { json: false, mode: 0o600 };
  t.deepEqual(parseCreate(['vas/jobs']), { ...common, kind: 'vas', name: 'jobs' });
  const segment = { ...common, kind: 'segment', name: 't', start: 0n } as const;
  const parse = (line: string) => parseCreate(line.split(' '));
  t.deepEqual(parse('segment/t --size 4096'), { ...segment, length: 4096n });
  t.deepEqual(parse('--size=64M segment/t --start 0x7000'), {
    ...segment,
    length: 64n << 20n,
    start: 0x7000n,
  });
  t.like(parse('segment/t --size 1GiB --mode 0640 --json'), { mode: 0o640, json: true });
  t.is(parse('--help'), undefined);
});

for (const [line, message] of [
  ['', /takes one vas\/NAME or segment\/NAME/],
  ['jobs', /takes one vas\/NAME or segment\/NAME/],
  ['vas/a vas/b', /takes one vas\/NAME/],
  ['vas/12', /digits alone/],
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
  test(`refused: mvas create ${line}`, (t) => {
    const args = line.split(' ').filter((word) => word !== '');
    t.throws(() => parseCreate(args), { instanceOf: UsageError, message });
  });
}

test('create tells the id', (t) => {
  const kernel = new FakeKernel();
  t.is(
    runCreate(['vas/jobs'], () => kernel),
    'vas/1\n',
  );
  const json = runCreate(['segment/t', '--size', '4K', '--json'], () => kernel);
  t.deepEqual(JSON.parse(json), { kind: 'segment', id: 1, name: 't' });
  t.like(kernel.list('segment'), [{ name: 't', bytes: 4096n, mode: 0o600 }]);
  t.true(kernel.isClosed);
});

test('attach-segment finds both by id or name', (t) => {
  const kernel = new FakeKernel();
  for (const name of ['jobs', 'more']) kernel.create(name, 0o600);
  kernel.createSegment({ name: 't', mode: 0o600, start: 0x7000n, length: 4096n });
  t.is(
    runAttachSegment(['vas/more', 'segment/t'], () => kernel),
    '',
  );
  runAttachSegment(['vas/1', 'segment/1', '--read-only'], () => kernel);
  t.deepEqual(kernel.attached, [
    [2, 1, true],
    [1, 1, false],
  ]);
});

test('attach-segment refuses what makes no sense', (t) => {
  const kernel = new FakeKernel();
  kernel.create('jobs', 0o600);
  kernel.createSegment({ name: 'anywhere', mode: 0o600, start: 0n, length: 4096n });
  const run = (line: string) => () => runAttachSegment(line.split(' '), () => kernel);
  t.throws(run('vas/jobs segment/anywhere'), { message: /created without --start/ });
  t.throws(run('vas/jobs segment/nobody'), { message: /no segment 'nobody' in the kernel/ });
  t.throws(run('segment/a vas/b'), { message: /takes one vas\/NAME and one segment\/NAME/ });
  t.throws(run('vas/a'), { message: /takes one vas\/NAME and one segment\/NAME/ });
  t.is(parseAttachSegment(['-h']), undefined);
});

test('a device that is none is refused, with what to do', (t) => {
  t.throws(() => KernelDevice.open('/dev/no-such-device'), { message: /remedy: modprobe mvas/ });
  t.throws(() => KernelDevice.open('/dev/null'), { message: /something else of that name/ });
  t.is(KernelDevice.tryOpen('/dev/null'), undefined);
});

test('as a command: help, and what to do without the module', (t) => {
  const mvas = (...args: string[]) =>
    spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8' });
  for (const verb of ['create', 'attach-segment']) {
    t.like(mvas(verb, '--help'), { status: 0, stderr: '' });
    t.is(mvas(verb, '--frob').status, 2);
  }
  const device = KernelDevice.tryOpen();
  device?.close();
  if (device) return; // The guest's tests see it work.
  for (const args of [['-la'], ['create', 'vas/jobs'], ['attach-segment', 'vas/a', 'segment/b']]) {
    const { status, stderr } = mvas(...args);
    t.is(status, 1);
    t.regex(stderr, /^mvas.*: the module mvas is not loaded; remedy: modprobe mvas/);
  }
});
