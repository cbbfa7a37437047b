// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, asNsTid, INIT } from '../../../../../src/common/ids.js';
import { ShimError } from '../../../../../src/common/errors.js';
import type { FileEntry, RegFileEntry } from '../../../../../src/criu/image/types.js';
import { PlanBuilder } from '../../../../../src/criu/plan/builder.js';
import { parseMountinfo } from '../../../../../src/common/procfs/mountinfo.js';
import {
  emptyFilesImage,
  FilePlan,
  ScratchNames,
  type FilesImageBuilder,
  mountFacts,
} from '../../../../../src/criu/resources/files/index.js';
import {
  ROW_SIZE,
  statOf,
} from '../../../../../src/criu/resources/files/kinds/regular/stat-row.js';
import { STAT } from '../../../../../src/native/abi/index.js';
import { asValid } from '../../../../helpers/valid.js';

const MOUNTS = parseMountinfo(`\
1 0 0:1 / / rw - overlay overlay rw
2 1 0:2 / /proc rw - proc proc rw
`);
const FOWN = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: asNsTid(0) };

function regular(id: number, name: string, more: Partial<RegFileEntry> = {}): FileEntry {
  const reg = { id, flags: 0, pos: 0n, fown: FOWN, name, mode: 0o100644, build_id: [], ...more };
  return { id, type: 'REG', reg };
}

/** One process, pid 1, with files at descriptors 0, 1, 2 and so on. */
function imageOf(...files: FileEntry[]): FilesImageBuilder {
  const image = emptyFilesImage();
  image.files.push(...files, regular(1000, '/', { flags: 0o10000000, mode: 0o40755 }));
  image.tables.set(INIT, 5);
  image.fdinfo.set(
    5,
    files.map(({ id, type }, fd) => ({ id, type, fd, flags: 0 })),
  );
  image.fs.set(INIT, { cwd_id: 1000, root_id: 1000 });
  return image;
}

function planOf(
  image: FilesImageBuilder,
  exact = new Map<number, string>(),
): { early: string[]; late: string[]; plan: FilePlan } {
  const builder = new PlanBuilder();
  const [root, after] = [builder.sequence('root'), builder.sequence('after')];
  const plan = new FilePlan(builder, asValid(image), {
    sparePid: asNsPid(2),
    queuedEvents: 16_384,
    stdio: [null, null, null],
    hasConsole: false,
    mounts: mountFacts(MOUNTS),
    names: new ScratchNames(''),
    look: { label: (pid) => `pid ${String(pid)}`, exact },
  });
  plan.planOpen(root);
  plan.planPlace(INIT, root);
  plan.planFs(INIT, root);
  plan.planRelease(INIT, root);
  plan.planAfterDrop(INIT, after);
  const whats = ({ operations, repeated }: typeof root): string[] => [
    ...operations.map(({ what }) => what),
    ...repeated.flatMap(({ data, width, what }) =>
      Array.from({ length: data.size / width }, (_, row) => what(row)),
    ),
  ];
  return { early: whats(root), late: whats(after), plan };
}

test('files of /proc are opened after the drop of privileges, others before', (t) => {
  const { early, late, plan } = planOf(imageOf(regular(1, '/etc/x'), regular(2, '/proc/1/maps')));
  t.true(early.includes('open file 1 (/etc/x)'));
  t.false(early.some((what) => what.includes('/proc/1/maps')));
  t.true(late.includes('open file 2 (/proc/1/maps)'));
  t.true(plan.staged(1) >= plan.stageBase);
  t.throws(() => plan.staged(2), { instanceOf: ShimError });
});

/** The row of a file in the table by which it is opened. */
function rowWith({ size, inode = 7n }: Found): Buffer {
  const row = Buffer.alloc(ROW_SIZE);
  row.writeBigUInt64LE(inode, statOf(0) + STAT.inode);
  row.writeBigUInt64LE(size, statOf(0) + STAT.size);
  return row;
}

interface Found {
  readonly size: bigint;
  readonly inode?: bigint;
}

/** Opens a file that had 5 bytes and inode 7, and finds another. */
function lookAt(flags: number, found: Found): string[] {
  const { plan } = planOf(imageOf(regular(1, '/log', { flags, size: 5n, mvas_ino: 7n })));
  return plan.checkOpened(() => rowWith(found));
}

test('a file may have grown; it is smaller only where it is appended to', (t) => {
  t.deepEqual(lookAt(0, { size: 9n }), []);
  t.deepEqual(lookAt(0o2001, { size: 1n }), []);
  const error = t.throws(() => lookAt(0o2, { size: 1n }), { instanceOf: ShimError });
  t.is(
    error.message,
    'pid 1 fd 0: /log has 1 bytes, and had 5 at the checkpoint; remedy: put back what was there',
  );
});

test('what is executed or mapped privately keeps its size', (t) => {
  const image = imageOf();
  image.files.push(regular(2, '/bin/program', { size: 5n }));
  const { plan } = planOf(image, new Map([[2, 'pid 1 executable']]));
  t.throws(() => plan.checkOpened(() => rowWith({ size: 6n })), {
    message: /^pid 1 executable: \/bin\/program has 6/,
  });
});

test('open files with other inode numbers are named', (t) => {
  t.deepEqual(lookAt(0, { size: 5n, inode: 8n }), ['/log']);
});

const HOSTILE: Readonly<Record<string, (image: FilesImageBuilder) => void>> = {
  'a relative path': (image) => image.files.push(regular(3, 'etc/passwd')),
  'a path with dots': (image) => image.files.push(regular(3, '/a/../../etc/passwd')),
  'a path with a NUL': (image) => image.files.push(regular(3, '/a\0b')),
  'a type without its fields': (image) => image.files.push({ id: 3, type: 'EVENTFD' }),
  'a kind that is never written': (image) => image.files.push({ id: 3, type: 'BPFMAP' }),
  'a stdio that does not exist': (image) =>
    image.files.push({ ...regular(3, '/x'), mvas_stdio: 7 }),
  'a deleted file without content': (image) =>
    image.remaps.push({ orig_id: 1, remap_id: 77, remap_type: 'GHOST' }),
  'a memfd without memory': (image) =>
    image.files.push({
      id: 3,
      type: 'MEMFD',
      memfd: { id: 3, flags: 2, pos: 0n, fown: FOWN, inode_id: 4 },
    }),
  'a FIFO without a path': (image) =>
    image.files.push({ id: 3, type: 'FIFO', fifo: { id: 3, pipe_id: 1 } }),
  'a lock on a closed descriptor': (image) =>
    image.locks.push({ flag: 2, type: 1, pid: asNsPid(1), fd: 40, start: 0n, len: 0n }),
  'no working directory': (image) => image.fs.clear(),
};

for (const [what, spoil] of Object.entries(HOSTILE)) {
  test(`a hostile image is refused: ${what}`, (t) => {
    const image = imageOf(regular(1, '/x'));
    spoil(image);
    const error = t.throws(() => planOf(image), { instanceOf: ShimError });
    t.is(error.kind, 'dataLoss');
  });
}
