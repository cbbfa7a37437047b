// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, asNsTid, INIT } from '../../../../src/common/ids.js';
import { TASK_STATE, VMA_STATUS } from '../../../../src/criu/image/constants.js';
import type {
  CoreEntry,
  FileEntry,
  MvasMembership,
  SaEntry,
  TaskCoreEntry,
  VmaEntry,
  UnixSkEntry,
} from '../../../../src/criu/image/types.js';
import { entriesOf, partsOf } from '../../../../src/criu/image/vma-rows.js';
import { validateImage } from '../../../../src/criu/image/validate.js';
import { IMAGE_RULES } from '../../../../src/criu/resources/rules.js';
import {
  core,
  NO_OWNER,
  sampleImage,
  vma,
} from '../../../../src/criu/restore/rehearsal/sample-image.js';
import { refuses, type Change } from './refuses.js';

test('accepts a sensible checkpoint', (t) => {
  t.notThrows(() => {
    validateImage(sampleImage(), IMAGE_RULES);
  });
});

test('accepts a name of 15 bytes that are not UTF-8', (t) => {
  const image = sampleImage();
  const named = core('\udcff'.repeat(15));
  const cores = new Map(image.cores).set(asNsTid(9), named);
  t.notThrows(() => validateImage({ ...image, cores }, IMAGE_RULES));
});

const NEXT = asNsPid(20);
const process = { pid: NEXT, ppid: INIT, pgid: INIT, sid: INIT, threads: [NEXT] };

function withProcess(entry: typeof process): Change {
  return ({ pstree }) => ({ pstree: [...pstree, entry] });
}

function withCore(tid: number, edit: (entry: CoreEntry) => CoreEntry): Change {
  return ({ cores }) => ({
    cores: new Map(cores).set(asNsTid(tid), edit(cores.get(asNsTid(tid)) ?? core())),
  });
}

function withVmas(edit: (vmas: VmaEntry[]) => VmaEntry[]): Change {
  return ({ mms }) => {
    const mm = mms.get(INIT);
    return {
      mms: mm
        ? new Map(mms).set(INIT, { ...mm, vmas: partsOf(edit([...entriesOf(mm.vmas)])) })
        : mms,
    };
  };
}

const withVma = (entry: VmaEntry): Change => withVmas(() => [entry]);

refuses('an empty tree', /no process/, () => ({ pstree: [], cores: new Map() }));
refuses('a tree below something else', /first process must have no parent/, () => ({
  pstree: [process],
}));
const FIRST = { ...process, ppid: asNsPid(0), pgid: NEXT, sid: NEXT };
refuses('a first process in the session of another', /must lead a session/, () => ({
  pstree: [{ ...FIRST, sid: INIT }],
}));
refuses(
  'a process 1 that is not the first',
  /process 1 must be the first/,
  ({ pstree, cores }) => ({
    pstree: [FIRST, ...pstree],
    cores: new Map(cores).set(NEXT, core()),
  }),
);
refuses('a first process that has ended', /first process is dead/, ({ cores }) => {
  const entry = cores.get(INIT) ?? core();
  const tc = entry.tc && { ...entry.tc, task_state: TASK_STATE.zombie };
  return { cores: new Map(cores).set(INIT, { ...entry, tc }) };
});
refuses(
  'a parent outside, where PID 1 is inside',
  /parent 21 does not come before/,
  withProcess({
    ...process,
    ppid: asNsPid(21),
  }),
);
refuses(
  'what came by exec, without a core',
  /thread 20 has no core/,
  withProcess({ ...process, ppid: asNsPid(0) }),
);
refuses(
  'pid 0',
  /0 is not a pid/,
  withProcess({ ...process, pid: asNsPid(0), threads: [asNsPid(0)] }),
);
refuses('pid 4194305', /not a pid/, withProcess({ ...process, pid: asNsPid(4_194_305) }));
refuses('a parent that comes later', /parent 20/, withProcess({ ...process, ppid: NEXT }));
refuses(
  'a pid twice',
  /thread 9 occurs twice/,
  withProcess({ ...process, pid: asNsPid(9), threads: [asNsPid(9)] }),
);
refuses(
  'a leader beside its threads',
  /leader/,
  withProcess({ ...process, threads: [asNsPid(21)] }),
);
refuses('a thread without a core', /thread 20 has no core/, withProcess(process));
refuses('a core without a thread', /core-30: no process/, ({ cores }) => ({
  cores: new Map(cores).set(asNsTid(30), core()),
}));
refuses(
  'an unknown state',
  /no known state/,
  withCore(9, (entry) => ({ ...entry, tc: entry.tc && { ...entry.tc, task_state: 77 } })),
);
refuses(
  'a long name',
  /name is too long/,
  withCore(9, () => core('sixteen letters!')),
);
refuses(
  'another architecture',
  /no registers of x86-64/,
  withCore(5, (entry) => ({ ...entry, mtype: 'AARCH64' })),
);
refuses(
  'a thread without attributes',
  /no thread_core/,
  withCore(5, (entry) => ({ ...entry, thread_core: undefined })),
);
refuses('uid -1', /thread 5: an impossible user or group id/, (image) => {
  const own = image.cores.get(asNsTid(5))?.thread_core;
  const creds = own?.creds && { ...own.creds, fsuid: 0xffff_ffff };
  return withCore(5, (e) => ({ ...e, thread_core: own && { ...own, creds } }))(image);
});
refuses('half a siginfo', /thread 5: a pending signal 0 of 64 bytes/, (image) => {
  const own = image.cores.get(asNsTid(5))?.thread_core;
  const signals_p = { signals: [{ siginfo: new Uint8Array(64) }] };
  return withCore(5, (e) => ({ ...e, thread_core: own && { ...own, signals_p } }))(image);
});
refuses('a filter that does not exist', /seccomp filter 1 does not exist/, (image) => {
  const own = image.cores.get(asNsTid(5))?.thread_core;
  return withCore(5, (e) => ({ ...e, thread_core: own && { ...own, seccomp_filter: 1 } }))(image);
});
refuses('a filter built on itself', /built on a later one/, () => ({
  seccomp: { seccomp_filters: [{ filter: new Uint8Array(8), prev: 0 }] },
}));
refuses('a process without memory', /process 9: no address space/, ({ mms }) => {
  const rest = new Map(mms);
  rest.delete(asNsPid(9));
  return { mms: rest };
});
refuses('a process without a directory', /no working directory/, () => ({ fs: new Map() }));
refuses('a process without a table', /no table of descriptors/, () => ({ fdinfo: new Map() }));

refuses(
  'overlapping mappings',
  /overlaps/,
  withVmas((vmas) => [...vmas.slice(0, 1), ...vmas]),
);
refuses(
  'mappings out of order',
  /out of order/,
  withVmas((vmas) => vmas.toReversed()),
);
refuses('an empty mapping', /not a range of pages/, withVma(vma(0x1000n, 0x1000n)));
refuses('half a page', /not a range of pages/, withVma(vma(0x1000n, 0x1800n)));
refuses('kernel memory', /beyond user memory/, withVma(vma(0x1000n, 1n << 47n)));
refuses('an odd protection', /unknown protection/, withVma({ ...vma(0x1000n, 0x2000n), prot: 8 }));
refuses(
  'a mapping of no file',
  /maps no file/,
  withVma({ ...vma(0x1000n, 0x2000n), shmid: 99n, status: VMA_STATUS.filePrivate }),
);
refuses(
  'a mapping of a pipe',
  /maps PIPE/,
  withVma({ ...vma(0x1000n, 0x2000n), shmid: 3n, status: VMA_STATUS.fileShared }),
);
refuses(
  'memory parked too high',
  /parked/,
  withVma({ ...vma(0x1000n, 0x3000n), mvas_park: 0x7fff_ffff_e000n }),
);
for (const mvas_runs of [[0n], [0n, 3n], [1n, 1n, 0n, 1n], [0n, 0n], [0n, 1n << 64n]]) {
  refuses(
    `page runs ${mvas_runs.join()} of two pages`,
    /runs? of pages/,
    withVma({ ...vma(0x1000n, 0x3000n), mvas_runs }),
  );
}
const HEIR = { ...vma(0x1000n, 0x3000n), prot: 3, mvas_heritage: { holes: [] } };
refuses('inherited memory that is read-only', /cannot be inherited/, withVma({ ...HEIR, prot: 1 }));
refuses(
  'an inherited file',
  /cannot be inherited/,
  withVma({ ...HEIR, shmid: 1n, status: VMA_STATUS.filePrivate }),
);
const READ = { ...HEIR, mvas_heritage: undefined, mvas_park: 0x10000n, mvas_runs: [0n, 1n] };
refuses('read-only pages', /cannot be written to it/, withVma({ ...READ, prot: 1 }));
for (const [what, mvas_heritage] of Object.entries({ own: undefined, overlaid: { holes: [] } })) {
  const lost = { ...READ, mvas_heritage, mvas_park: undefined };
  refuses(`${what} pages that lie nowhere`, /no place for them/, withVma(lost));
}
refuses(
  'holes behind the end of inherited memory',
  /runs of pages/,
  withVma({ ...HEIR, mvas_heritage: { holes: [1n, 2n] } }),
);
refuses('an executable that is a pipe', /no executable/, ({ mms }) => {
  const mm = mms.get(INIT);
  return { mms: mm ? new Map(mms).set(INIT, { ...mm, exe_file_id: 3 }) : mms };
});

const pipe: FileEntry = { type: 'PIPE', id: 3 };

refuses('a file twice', /file 1: it occurs twice/, ({ files }) => ({
  files: [...files, ...files],
}));
refuses('a file without its detail', /PIPE needs pipe/, () => ({ files: [pipe] }));
refuses('a file with a foreign detail', /does not go with fifo/, ({ files }) => ({
  files: files.map((file) => (file.id === 3 ? { ...file, fifo: { id: 3, pipe_id: 1 } } : file)),
}));
refuses('a detail of another file', /pipe has another id/, ({ files }) => ({
  files: files.map((file) =>
    file.id === 3 ? { ...file, pipe: file.pipe && { ...file.pipe, id: 4 } } : file,
  ),
}));
refuses('a type that has no files', /CTL_TTY do not exist/, () => ({
  files: [{ type: 'CTL_TTY', id: 3 }],
}));
refuses('a descriptor of no file', /file 50 does not exist/, () => ({
  fdinfo: new Map([
    [1, [{ id: 50, flags: 0, type: 'REG' as const, fd: 0 }]],
    [2, []],
  ]),
}));
refuses('a descriptor of another type', /file 3 is PIPE, not REG/, () => ({
  fdinfo: new Map([
    [1, [{ id: 3, flags: 0, type: 'REG' as const, fd: 0 }]],
    [2, []],
  ]),
}));
refuses('a descriptor twice', /descriptor 0 of table 1: it occurs twice/, () => {
  const entry = { id: 3, flags: 0, type: 'PIPE' as const, fd: 0 };
  return {
    fdinfo: new Map([
      [1, [entry, entry]],
      [2, []],
    ]),
  };
});
refuses('a huge descriptor', /too large/, () => ({
  fdinfo: new Map([
    [1, [{ id: 3, flags: 0, type: 'PIPE' as const, fd: 1 << 20 }]],
    [2, []],
  ]),
}));
refuses('data of no pipe', /no pipe 78/, () => ({
  pipeData: [{ entry: { pipe_id: 78, bytes: 0 }, payload: new Uint8Array() }],
}));
refuses('a passed file that does not exist', /passed file 99/, () => ({
  packets: [
    {
      entry: { id_for: 4, length: 1, scm: [{ type: 1, rights: [99] }] },
      payload: new Uint8Array(),
    },
  ],
}));
refuses('a peer that does not exist', /peer does not exist/, ({ files }) => ({
  files: files.filter(({ id }) => id !== 5),
}));
const WRONG_FOLDERS: readonly (readonly [string, Partial<UnixSkEntry>])[] = [
  ['of a socket without a name', { mvas_folder: '/run' }],
  ['that is not a path', { name: Buffer.from('/var/run/s'), mvas_folder: 'run' }],
  ['that no path leads to', { name: Buffer.from('/run/s'), mvas_paths: ['/run/t', 'u'] }],
  [
    'in too many places',
    { name: Buffer.from('/run/s'), mvas_paths: new Array<string>(67).fill('/run/t') },
  ],
];
for (const [what, more] of WRONG_FOLDERS) {
  refuses(`a folder ${what}`, /its folder is not a path/, ({ files }) => ({
    files: files.map((file) => (file.usk ? { ...file, usk: { ...file.usk, ...more } } : file)),
  }));
}
refuses('an owner of a socket that nobody is', /impossible owner/, ({ files }) => ({
  files: files.map((file) => {
    const { usk } = file;
    return usk ? { ...file, usk: { ...usk, opts: { ...usk.opts, mvas_uid: 2 ** 32 - 1 } } } : file;
  }),
}));
refuses('a filter of a socket that is longer than any', /too long a filter/, ({ files }) => ({
  files: files.map((file) => {
    const { usk } = file;
    const so_filter = new Array<bigint>(4097).fill(0n);
    return usk ? { ...file, usk: { ...usk, opts: { ...usk.opts, so_filter } } } : file;
  }),
}));
refuses('an option of a socket that is longer than any', /too many options/, ({ files }) => ({
  files: files.map((file) => {
    const { usk } = file;
    const mvas_options = [{ level: 6, name: 13, value: Buffer.alloc(33) }];
    return usk ? { ...file, usk: { ...usk, opts: { ...usk.opts, mvas_options } } } : file;
  }),
}));
const GROUP: MvasMembership = { interface: 'lo', group: Buffer.alloc(4), mode: 0, source: [] };
const GROUPS: Readonly<Record<string, Partial<MvasMembership>>> = {
  'on an interface without a name': { interface: '' },
  'with an address of another length': { group: Buffer.alloc(5) },
  'with a source of the other family': { source: [Buffer.alloc(16)] },
  'in a mode that there is not': { mode: 2 },
};
for (const [what, more] of Object.entries(GROUPS)) {
  refuses(`a multicast group ${what}`, /impossible group/, ({ files }) => {
    const { fown = NO_OWNER, opts } = files.find(({ usk }) => usk)?.usk ?? {};
    if (!opts) return {};
    const ports = { src_port: 0, dst_port: 0, src_addr: [], dst_addr: [], backlog: 0 };
    const kind = { family: 2, type: 2, proto: 17, state: 7, flags: 2 };
    const lists = { mvas_memberships: [{ ...GROUP, ...more }], mvas_keys: [] };
    const isk = { id: 60, ino: 600, ...kind, ...ports, fown, opts, ...lists };
    return { files: [...files, { type: 'INETSK', id: 60, isk }] };
  });
}
refuses('a ghost that does not exist', /no such ghost/, () => ({ ghosts: new Map() }));
const lock = { flag: 1, type: 1, pid: INIT, fd: 8, start: 0n, len: 0n };

test('accepts a lock of a descriptor', (t) => {
  t.notThrows(() => {
    validateImage({ ...sampleImage(), locks: [lock] }, IMAGE_RULES);
  });
});
refuses('a lock of nobody', /no such process/, () => ({ locks: [{ ...lock, pid: asNsPid(10) }] }));
refuses('a lock of no descriptor', /no descriptor 9/, () => ({ locks: [{ ...lock, fd: 9 }] }));
refuses('an unknown lock', /no such lock/, () => ({ locks: [{ ...lock, flag: 8 }] }));
refuses('a lock of nothing', /no such lock/, () => ({ locks: [{ ...lock, type: 2 }] }));
refuses('a lease of a part', /whole file/, () => ({ locks: [{ ...lock, flag: 32, len: 1n }] }));
refuses('an owner of a lock', /no such owner/, () => ({ locks: [{ ...lock, mvas_uid: 1 }] }));
refuses('a lease of nobody', /no such owner/, () => {
  return { locks: [{ ...lock, flag: 32, mvas_uid: 0xffffffff }] };
});
refuses('a lock before the file', /negative/, () => ({ locks: [{ ...lock, start: -1n }] }));

const pidfd = { id: 7, ino: 1, flags: 0, nspid: asNsPid(4_194_305), fown: NO_OWNER };
refuses('a pidfd of no pid', /names no process/, ({ files }) => ({
  files: [...files, { type: 'PIDFD', id: 7, pidfd }],
}));

for (const mvas_status of [0x10000, 0x7f]) {
  const ended = { ...pidfd, nspid: asNsPid(-1), mvas_status };
  refuses(`a process that ended with status ${String(mvas_status)}`, /ends like that/, (image) => ({
    files: [...image.files, { type: 'PIDFD', id: 7, pidfd: ended }],
  }));
}

refuses('an exit signal that there is not', /exit signal/, (image) => {
  const tc = image.cores.get(asNsTid(9))?.tc;
  return withCore(9, (entry) => ({ ...entry, tc: tc && { ...tc, mvas_exit_signal: 65 } }))(image);
});

const idle = { isec: 0n, iusec: 0n, vsec: 0n, vusec: 0n };
const timer = {
  it_id: 3,
  clock_id: 1,
  si_signo: 14,
  it_sigev_notify: 4,
  sival_ptr: 0n,
  overrun: 0,
};
refuses('a timer that signals a foreign thread', /timer 3 signals no thread/, (image) => {
  const tc = image.cores.get(asNsTid(9))?.tc;
  const posix = [
    { ...timer, isec: 0n, insec: 0n, vsec: 1n, vnsec: 0n, notify_thread_id: asNsTid(5) },
  ];
  const timers = { real: idle, virt: idle, prof: idle, posix };
  return withCore(9, (entry) => ({ ...entry, tc: tc && { ...tc, timers } }))(image);
});

refuses('timers with one id', /process 9 .*two timers of one id/, (image) => {
  const tc = image.cores.get(asNsTid(9))?.tc;
  const one = { ...timer, it_sigev_notify: 0, isec: 0n, insec: 0n, vsec: 1n, vnsec: 0n };
  const timers = { real: idle, virt: idle, prof: idle, posix: [one, one] };
  return withCore(9, (entry) => ({ ...entry, tc: tc && { ...tc, timers } }))(image);
});
refuses('a soft limit above its hard one', /process 9 .*impossible resource limits/, (image) => {
  const tc = image.cores.get(asNsTid(9))?.tc;
  const rlimits = { rlimits: [{ cur: 2n, max: 1n }] };
  return withCore(9, (entry) => ({ ...entry, tc: tc && { ...tc, rlimits } }))(image);
});

function stopped(signal: number, edit: Partial<TaskCoreEntry> = {}): Change {
  return (image) => {
    const tree = withProcess(process)(image);
    const entry = core('vi');
    const ids = { vm_id: 1, files_id: 1, fs_id: 1, sighand_id: 1 };
    if (entry.tc) entry.tc = { ...entry.tc, task_state: 3, exit_code: signal, ...edit };
    return {
      ...tree,
      cores: new Map(image.cores).set(asNsTid(process.pid), entry),
      ids: new Map(image.ids).set(asNsPid(process.pid), ids),
    };
  };
}
const HANDLED: SaEntry = { sigaction: 0x1000n, flags: 0n, restorer: 0n, mask: 0n };

refuses('a stop by no stop signal', /pid 20 \(vi\): it is stopped by no/, stopped(9));
refuses('an untold stop in an orphaned group', /SIGTTOU .* orphaned/, stopped(22));
refuses(
  'an untold stop by a signal with an action',
  /SIGTSTP .* another action/,
  stopped(20, { sigactions: Array.from({ length: 62 }, () => HANDLED) }),
);
