// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asHostPid, asNsPid, asVasId, type VasId } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import { VERBS } from '../../../src/cli/verbs.js';
import type { KernelObjects } from '../../../src/cli/kernel-objects.js';
import { runMain } from '../../helpers/run-main.js';
import { FakeKernel } from './fake-kernel.js';
import type { VasDetails } from '../../../src/cli/summary.js';
import type { RemoveOptions, VasStore } from '../../../src/cli/vas-store.js';
import type { Life, Segment, VasEntry, VasRecord } from '../../../src/criu/index.js';

const SEGMENT = { pid: asNsPid(1), protection: 'rw-', kind: 'private', bytes: 4096 } as const;
const SEGMENTS: readonly Segment[] = [
  { ...SEGMENT, start: 0x1000n, end: 0x3000n },
  { ...SEGMENT, start: 0x7ffd00000000n, end: 0x7ffd00021000n },
];

function record(id: string, fields: Partial<VasRecord>): VasRecord {
  return {
    format: 3,
    id: asVasId(id),
    name: `name-${id}`,
    bootId: 'boot-1',
    containerId: 'redis',
    createdAt: '2026-05-01T11:57:00Z',
    isComplete: true,
    bytes: 3 << 20,
    backend: 'holder',
    base: '0',
    kernelAreas: [],
    imageDigest: '',
    imageSize: { files: 1, bytes: 1 },
    frozenMs: 1,
    processes: [{ pid: asNsPid(1), name: 'redis-server', segments: SEGMENTS.length }],
    ...fields,
  };
}

function vas(
  id: string,
  {
    record: facts = {},
    ...fields
  }: Partial<Omit<VasEntry, 'record'>> & { record?: Partial<VasRecord> } = {},
): VasEntry {
  return {
    id: asVasId(id),
    directory: `/run/mvas/${id}`,
    state: 'complete',
    createdAt: new Date('2026-05-01T11:57:00Z'),
    record: record(id, facts),
    holder: { pid: asHostPid(4711), isSealed: true, forks: 0 },
    ...fields,
  };
}

/** A store in memory that behaves as the interface says. */
class FakeStore implements VasStore {
  readonly entries: Map<string, VasEntry>;

  constructor(entries: readonly VasEntry[]) {
    this.entries = new Map(entries.map((entry) => [entry.id, entry]));
  }

  list(): Promise<readonly VasEntry[]> {
    return Promise.resolve([...this.entries.values()]);
  }

  inspect(id: string): Promise<VasEntry> {
    const entry = this.entries.get(id);
    return entry
      ? Promise.resolve(entry)
      : Promise.reject(new ShimError('notFound', `inspect VAS ${id}: gone`));
  }

  segments(): readonly Segment[] {
    return SEGMENTS;
  }

  needsOf(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  life({ createdAt }: VasEntry): Life {
    return { record: undefined, clones: 0, isWatching: false, usedAt: createdAt };
  }

  remove(id: VasId, { force }: RemoveOptions): Promise<readonly VasId[]> {
    if (this.entries.get(id)?.state === 'filling' && !force) {
      return Promise.reject(new ShimError('failedPrecondition', `remove VAS ${id}: is filling`));
    }
    this.entries.delete(id);
    return Promise.resolve([id]);
  }
}

function mvas(line: string, store?: VasStore, kernel?: KernelObjects, isRoot = false) {
  return runMain(line, {
    isRoot,
    ...(store && { openStore: () => Promise.resolve(store) }),
    ...(kernel && { openKernel: () => Promise.resolve(kernel) }),
  });
}

test('help and version need no store', async (t) => {
  t.like(await mvas('--version'), { code: 0, out: 'mvas 1.2.3\n', err: '' });
  for (const verb of ['ls', 'inspect', 'rm']) {
    t.true((await mvas('--help')).out.includes(`\n  ${verb} `));
    const { code, out } = await mvas(`${verb} --help`);
    t.is(code, 0);
    t.true(out.startsWith(`Usage: mvas ${verb} `));
  }
});

test('wrong usage is exit code 2, says what is wrong and where to look', async (t) => {
  t.deepEqual(await mvas('frob'), {
    code: 2,
    out: '',
    err: "mvas: unknown command 'frob'\nTry 'mvas --help'.\n",
  });
});

test('wrong usage of every command is exit code 2, says so and where to look', async (t) => {
  const lines: readonly (readonly [line: string, verb: string])[] = [
    ['checkpoint', 'checkpoint'],
    ['checkpoint a b', 'checkpoint'],
    ['--frob checkpoint a', 'checkpoint'],
    ['restore', 'restore'],
    ['restore --pid-file', 'restore'],
    ['create foo', 'create'],
    ['create segment/a --size 1', 'create'],
    ['attach-segment vas/a', 'attach-segment'],
    ['install --as foo', 'install'],
    ['install foo', 'install'],
    ['uninstall --as foo', 'uninstall'],
  ];
  for (const [line, verb] of lines) {
    const { code, out, err } = await mvas(line);
    t.deepEqual([code, out], [2, ''], line);
    t.true(err.startsWith(`mvas ${verb}: `), err);
    t.true(err.endsWith(`\nTry 'mvas ${verb} --help'.\n`), err);
  }
});

test('every command has help, wherever one asks for it', async (t) => {
  const { out } = await mvas('--help');
  for (const { name, aliases = [], options } of VERBS) {
    t.true(out.includes(`\n  ${name} `), name);
    const lines = [name, ...aliases].flatMap((verb) => [
      `${verb} --help`,
      `--help ${verb}`,
      `${verb} -h`,
    ]);
    for (const line of lines) {
      const help = await mvas(line);
      t.deepEqual([help.code, help.err], [0, ''], line);
      t.true(help.out.startsWith(`Usage: mvas ${name}`), line);
      t.deepEqual(
        Object.keys(options).filter((option) => !help.out.includes(` --${option}`)),
        [],
      );
      t.is((await mvas(`help ${line.replace(/ ?--?h\w*/, '').trim()}`)).code, 0);
    }
  }
  t.is((await mvas('help show')).out, (await mvas('inspect --help')).out);
});

test('what the engine does not take is no wrong usage', async (t) => {
  const store = new FakeStore([]);
  store.list = () => Promise.reject(new ShimError('invalidArgument', 'not a VAS id'));
  t.deepEqual(await mvas('ls', store), {
    code: 1,
    out: '',
    err: 'mvas: not a VAS id\n',
  });
});

test('who may not see the store is told so', async (t) => {
  const { code, err } = await mvas('ls');
  t.is(code, 1);
  t.is(err, 'mvas: open /run/mvas: EACCES\nhint: run mvas as root\n');
  t.is((await mvas('ls', undefined, undefined, true)).err, 'mvas: open /run/mvas: EACCES\n');
});

test('ls shows a table, newest first', async (t) => {
  const old = vas('aaa', { createdAt: new Date('2026-04-29T12:00:00Z'), state: 'lost' });
  const holder = { pid: asHostPid(4711), isSealed: true, forks: 3 };
  const store = new FakeStore([{ ...old, holder: undefined }, vas('bbb', { holder })]);
  const { code, out } = await mvas('ls', store);
  t.is(code, 0);
  const rows = out
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  t.deepEqual(rows[0]?.slice(0, 6), ['ID', 'NAME', 'STATE', 'CONTAINER', 'CREATED', 'SIZE']);
  const tail = ['3 MiB', '2', '1'];
  const kept = 'until it is removed';
  t.deepEqual(rows.slice(1), [
    ['bbb', 'name-bbb', 'complete', 'redis', '3 minutes ago', ...tail, '4711', '3', kept],
    ['aaa', 'name-aaa', 'lost', 'redis', '2 days ago', ...tail, '-', '0', kept],
  ]);
});

test('ls for programs: ids alone, or JSON', async (t) => {
  const store = new FakeStore([vas('aaa'), vas('bbb')]);
  t.is((await mvas('ls -q', store)).out, 'aaa\nbbb\n');
  const entries: unknown = JSON.parse((await mvas('ls --json', store)).out);
  t.like(entries, [{ id: 'aaa', createdAt: '2026-05-01T11:57:00.000Z' }, { id: 'bbb' }]);
});

test('without any VAS, ls prints its head, nothing, or an empty array', async (t) => {
  const store = new FakeStore([]);
  t.is((await mvas('ls', store)).out.split('\n').length, 2);
  t.is((await mvas('ls -q', store)).out, '');
  t.is((await mvas('ls --json', store)).out, '[]\n');
});

test('what is not known of a VAS yet is a dash', async (t) => {
  const { out } = await mvas(
    'ls',
    new FakeStore([vas('aaa', { record: { name: '', containerId: '' } })]),
  );
  t.regex(out, /^aaa {2}- +complete {2}- +3 minutes ago/m);
});

test('a name cannot play with the terminal', async (t) => {
  const { out } = await mvas(
    'ls',
    new FakeStore([vas('aaa', { record: { name: 'a\x1b]0;x\x07\nb' } })]),
  );
  t.false(out.includes('\x1b'));
  t.is(out.split('\n').length, 3);
});

test('inspect finds by id, by name, and by the beginning of an id', async (t) => {
  const store = new FakeStore([
    vas('abc', { record: { name: 'ab' } }),
    vas('abd'),
    vas('xyz', { record: { name: 'abc' } }),
  ]);
  const idOf = async (wanted: string) =>
    /^Id: +(.*)$/m.exec((await mvas(`inspect ${wanted}`, store)).out)?.[1];
  t.is(await idOf('abc'), 'abc', 'an id goes before a name');
  t.is(await idOf('ab'), 'abc', 'a name goes before the beginning of an id');
  t.is(await idOf('x'), 'xyz');
  const ambiguous = await mvas('inspect a', store);
  t.deepEqual([ambiguous.code, ambiguous.out], [1, '']);
  t.is(ambiguous.err, "mvas: 'a' is ambiguous: it may be any of abc, abd\n");
});

test('inspect shows facts and segments, in JSON with addresses as strings', async (t) => {
  const store = new FakeStore([vas('aaa')]);
  const { out } = await mvas('inspect aaa', store);
  t.regex(out, /^Size: +3 MiB \(3145728 bytes\)$/m);
  t.regex(out, /^Holder: +pid 4711$/m);
  t.regex(out, /^Backend: +holder$/m);
  t.regex(out, /^Pre-copy: +none$/m);
  t.regex(out, /^Parent: +none$/m);
  t.regex(out, /^ {2}1000-3000 +rw- {2}private {2}4 KiB {2}pid 1 redis-server$/m);
  t.regex(out, /^ {2}7ffd00000000-7ffd00021000 {2}rw- {2}private {2}4 KiB {2}pid 1 redis-server$/m);
  const [json] = JSON.parse((await mvas('inspect aaa --json', store)).out) as [VasDetails];
  t.like(json, { id: 'aaa', directory: '/run/mvas/aaa' });
  t.like(json.segmentList[0], { start: '0x1000', end: '0x3000' });
});

test('inspect tells what was copied while the container ran', async (t) => {
  const record = { preCopy: { rounds: 2, bytes: 3 << 20 } };
  const { out } = await mvas('inspect aaa', new FakeStore([vas('aaa', { record })]));
  t.regex(out, /^Pre-copy: +3 MiB in 2 rounds$/m);
});

test('inspect tells how many twins were copied', async (t) => {
  const store = new FakeStore([vas('aaa', { record: { twins: 2 } }), vas('bbb')]);
  t.regex((await mvas('inspect aaa', store)).out, /^Twins: +of 2 processes$/m);
  t.regex((await mvas('inspect bbb', store)).out, /^Twins: +none$/m);
});

test('inspect of an unknown VAS fails and prints nothing', async (t) => {
  const { code, out, err } = await mvas('inspect aaa nope', new FakeStore([vas('aaa')]));
  t.deepEqual([code, out], [1, '']);
  t.is(err, "mvas: no VAS 'nope'; 'mvas ls' shows what there is\n");
});

test('rm removes what it can and reports the rest', async (t) => {
  const store = new FakeStore([vas('aaa'), vas('bbb', { state: 'filling' }), vas('ccc')]);
  const { code, out, err } = await mvas('rm aaa nope bbb name-ccc aaa', store);
  t.is(code, 1);
  t.is(out, 'aaa\nccc\n');
  t.is(
    err,
    "mvas: no VAS 'nope'; 'mvas ls' shows what there is\nmvas: remove VAS bbb: is filling\n",
  );
  t.deepEqual([...store.entries.keys()], ['bbb']);
  t.deepEqual(await mvas('rm --force bbb', store), { code: 0, out: 'bbb\n', err: '' });
});

test('rm that succeeds is exit code 0, and JSON tells all', async (t) => {
  const store = new FakeStore([vas('aaa'), vas('bbb')]);
  t.deepEqual(await mvas('rm aaa', store), { code: 0, out: 'aaa\n', err: '' });
  const { code, out } = await mvas('rm --json bbb nope', store);
  t.is(code, 1);
  t.like(JSON.parse(out), { removed: ['bbb'], failed: [{ id: 'nope', kind: 'notFound' }] });
});

test('rm removes nothing when an id is ambiguous', async (t) => {
  const store = new FakeStore(['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'b'].map((id) => vas(id)));
  const { code, err } = await mvas('rm b a', store);
  t.is(code, 1);
  t.is(err, "mvas: 'a' is ambiguous: it may be any of a1, a2, a3, a4, a5, ...\n");
  t.is(store.entries.size, 7);
});

test('a name that several have is ambiguous', async (t) => {
  const store = new FakeStore(
    ['aaa', 'bbb', 'ccc'].map((id) => vas(id, { record: { name: 'web' } })),
  );
  for (const line of ['rm ccc web', 'inspect web']) {
    const err = "mvas: 'web' is ambiguous: it may be any of aaa, bbb, ccc\n";
    t.deepEqual(await mvas(line, store), { code: 1, out: '', err });
  }
  t.is(store.entries.size, 3);
});

test('a fault of ours asks for a report', async (t) => {
  const store = new FakeStore([]);
  store.list = () => Promise.reject(new ShimError('internal', 'broken invariant: x'));
  const { code, err } = await mvas('ls', store);
  t.is(code, 1);
  t.regex(err, /^mvas: broken invariant: x\nhint: .*report/);
});

test('what the kernel keeps is listed as a table, as JSON, and by what rm takes', async (t) => {
  const store = new FakeStore([]);
  const kernel = new FakeKernel();
  kernel.create('jobs', 0o600);
  kernel.createSegment({ name: 'table', mode: 0o640, start: 0x7000n, length: 8192n });
  const list = async (line: string) => (await mvas(line, store, kernel)).out;
  t.is((await list('-la')).split('\n').length, 4);
  t.is(await list('ls -lv -q'), 'vas/1\n');
  t.like(JSON.parse(await list('-ls --json')), [
    { kind: 'segment', id: 1, name: 'table', bytes: 8192, start: '0x7000' },
  ]);
  t.true(kernel.isClosed);
});

test('rm takes objects of the kernel by id and by name, beside VASes', async (t) => {
  const store = new FakeStore([vas('aaa')]);
  const kernel = new FakeKernel();
  for (const name of ['jobs', 'other', 'aaa.1']) kernel.create(name, 0o600);
  kernel.createSegment({ name: 'table', mode: 0o640, start: 0n, length: 8192n });
  const wanted = 'vas/jobs segment/1 vas/2 vas/nobody vas/aaa.1';
  const { code, out, err } = await mvas(`rm ${wanted}`, store, kernel);
  t.is(code, 1);
  t.is(out, 'vas/jobs\nsegment/1\nvas/2\n');
  t.is(
    err,
    "mvas: no vas 'nobody' in the kernel; 'mvas -la' shows what there is\n" +
      'mvas: vas aaa.1 is part of a VAS; remedy: mvas rm aaa\n',
  );
  t.deepEqual(
    kernel.list('vas').map(({ name }) => name),
    ['aaa.1'],
  );
  t.is((await mvas('rm aaa', store, kernel)).code, 0);
});

test('who may not see VASes may remove objects of the kernel', async (t) => {
  const store = new FakeStore([]);
  store.list = () => Promise.reject(new ShimError('permissionDenied', 'list: EACCES'));
  const kernel = new FakeKernel();
  kernel.create('jobs', 0o600);
  t.deepEqual(await mvas('rm vas/jobs', store, kernel), { code: 0, out: 'vas/jobs\n', err: '' });
  t.is((await mvas('rm vas/jobs aaa', store, kernel)).code, 1);
});

test('without the module, what needs it fails with what to do', async (t) => {
  const store = new FakeStore([vas('aaa')]);
  for (const line of ['-la', 'rm vas/jobs']) {
    const { code, err } = await mvas(line, store);
    t.is(code, 1);
    t.regex(err, /remedy: modprobe mvas/);
  }
  t.is((await mvas('rm aaa', store)).code, 0);
});
