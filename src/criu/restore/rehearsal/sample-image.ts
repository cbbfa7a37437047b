// SPDX-License-Identifier: Apache-2.0
import { asNsPid, asNsTid, INIT, type NsTid, asVasId } from '../../../common/ids.js';
import { SAMPLE_THREAD } from '../../arch/index.js';
import { emptyCheckpointImage, type CheckpointImage } from '../../image/checkpoint-image.js';
import { OUR_FORMAT, VMA_STATUS } from '../../image/constants.js';
import type {
  CoreEntry,
  CredsEntry,
  FileEntry,
  MmEntry,
  RegFileEntry,
  TaskKobjIdsEntry,
  VmaEntry,
} from '../../image/types.js';
import type { VasReference } from '../../image/vas-reference.js';
import { partsOf } from '../../image/vma-rows.js';
import { sampleConnections } from './sample-connections.js';

/** Files of {@link withMany}, and the id and descriptor of the first. */
const MANY = 150;
const FIRST_OF_MANY = 20;

/** Owner of a file that sends no signals. */
export const NO_OWNER = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: asNsTid(0) };

/** A reference to a VAS that need not exist. */
export const VAS: VasReference = {
  format: 1,
  vasId: asVasId('vas-0001'),
  bootId: '01234567-89ab-cdef-0123-456789abcdef',
  createdAt: '2026-01-02T03:04:05.678Z',
  containerId: 'redis',
};

const CREDS: CredsEntry = {
  uid: 0,
  gid: 0,
  euid: 0,
  egid: 0,
  suid: 0,
  sgid: 0,
  fsuid: 0,
  fsgid: 0,
  cap_inh: [0, 0],
  cap_prm: [0xa80425fb, 0],
  cap_eff: [0xa80425fb, 0],
  cap_bnd: [0xa80425fb, 0],
  cap_amb: [],
  secbits: 0,
  groups: [0, 10],
};

/** A thread; a leader when `comm` is given. */
export function core(comm?: string): CoreEntry {
  const entry: CoreEntry = {
    ...SAMPLE_THREAD,
    thread_core: {
      futex_rla: 0n,
      futex_rla_len: 24,
      sched_nice: -5,
      creds: CREDS,
      signals_p: { signals: [{ siginfo: Uint8Array.of(10, ...new Array<number>(127).fill(0)) }] },
      mvas_xstate: new Uint8Array(832).fill(1),
    },
  };
  if (comm === undefined) return entry;
  const blk_sigset = 1n << 63n;
  const tc = { task_state: 1, exit_code: 0, personality: 0, flags: 0, blk_sigset, comm };
  return { ...entry, tc: { ...tc, sigactions: [] } };
}

/** A mapping of regular, private, anonymous memory. */
export function vma(start: bigint, end: bigint): VmaEntry {
  const status = VMA_STATUS.regular | VMA_STATUS.anonPrivate;
  const rest = { pgoff: 0n, shmid: 0n, prot: 3, flags: 0x22, status, fd: -1n };
  return { start, end, ...rest, mvas_runs: [] };
}

function memory(): MmEntry {
  const text = { ...vma(0x40_0000n, 0x40_2000n), shmid: 1n, prot: 5, flags: 2 };
  text.status = VMA_STATUS.regular | VMA_STATUS.filePrivate;
  const vsyscall = vma(0xffff_ffff_ff60_0000n, 0xffff_ffff_ff60_1000n);
  vsyscall.status = VMA_STATUS.vsyscall;
  return {
    mm_start_code: 0x40_0000n,
    mm_end_code: 0x40_1800n,
    mm_start_data: 0x60_0000n,
    mm_end_data: 0x60_0100n,
    mm_start_stack: 0x7ffc_0000_1000n,
    mm_start_brk: 0x70_0000n,
    mm_brk: 0x70_1000n,
    mm_arg_start: 0n,
    mm_arg_end: 0n,
    mm_env_start: 0n,
    mm_env_end: 0n,
    exe_file_id: 1,
    mm_saved_auxv: [33n, 0x7fff_f000_0000n, 0n, 0n],
    vmas: partsOf([
      text,
      { ...vma(0x60_0000n, 0x60_4000n), mvas_runs: [0n, 1n, 2n, 2n], mvas_park: 0x1000_0000n },
      vma(0x7ffc_0000_0000n, 0x7ffc_0000_1000n),
      vsyscall,
    ]),
    aios: [],
  };
}

function regularFile(id: number, name: string): RegFileEntry {
  return { id, flags: 0, pos: 0n, fown: NO_OWNER, name, build_id: [] };
}

function regular(id: number, name: string): FileEntry {
  return { type: 'REG', id, reg: regularFile(id, name) };
}

const IDS: TaskKobjIdsEntry = { vm_id: 1, files_id: 1, fs_id: 1, sighand_id: 1 };

const WORKER = asNsPid(9);
const GONE = asNsPid(10);

/** Content of the deleted file, most of it a hole. */
const ghost = () => ({
  entry: {
    uid: 0,
    gid: 0,
    mode: 0o100600,
    chunks: true,
    size: 9000n,
    mvas_xattrs: [],
    mvas_runs: [],
  },
  content: [{ offset: 4096n, data: Uint8Array.of(1, 2, 3) }],
});

/** A pipe, two ends of a socket, and regular files, one of them deleted. */
function files(): FileEntry[] {
  const opts = { so_sndbuf: 0, so_rcvbuf: 0, so_filter: [] };
  const times = {
    so_snd_tmo_sec: 0n,
    so_snd_tmo_usec: 0n,
    so_rcv_tmo_sec: 0n,
    so_rcv_tmo_usec: 0n,
  };
  const socket = { type: 1, state: 1, flags: 2, uflags: 0, backlog: 0, fown: NO_OWNER };
  const usk = {
    mvas_paths: [],
    ...socket,
    opts: { ...opts, ...times, mvas_options: [] },
    name: new Uint8Array(),
  };
  return [
    regular(1, '/usr/bin/redis-server'),
    regular(2, '/'),
    { type: 'PIPE', id: 3, pipe: { id: 3, pipe_id: 77, flags: 0, fown: NO_OWNER } },
    { type: 'UNIXSK', id: 4, usk: { ...usk, id: 4, ino: 101, peer: 102 } },
    { type: 'UNIXSK', id: 5, usk: { ...usk, id: 5, ino: 102, peer: 101 } },
    regular(6, '/tmp/deleted'),
  ];
}

/** The same with many files, and connections: what is done for each of them has then often been done. */
export function withMany(image: CheckpointImage): CheckpointImage {
  const more = Array.from({ length: MANY }, (_, index) => {
    const id = FIRST_OF_MANY + index;
    const more = { mnt_id: 21, size: 0n, mode: 0o100644, mvas_ino: 77n };
    return { type: 'REG' as const, id, reg: { ...regularFile(id, '/usr/share/many'), ...more } };
  });
  const places = more.map(({ id }) => ({ id, flags: 1, type: 'REG' as const, fd: id }));
  const { sockets, tcpStreams } = sampleConnections(FIRST_OF_MANY + MANY);
  const ends = sockets.map(({ id }) => ({ id, flags: 0, type: 'INETSK' as const, fd: id }));
  const table = [...(image.fdinfo.get(1) ?? []), ...places, ...ends];
  return {
    ...image,
    files: [...image.files, ...more, ...sockets],
    fdinfo: new Map(image.fdinfo).set(1, table),
    tcpStreams,
  };
}

/** A small checkpoint that is valid: init with two threads, a live child, a zombie. */
export function sampleImage(): CheckpointImage {
  const zombie = core('gone');
  if (zombie.tc) zombie.tc.task_state = 6;
  return {
    ...emptyCheckpointImage({
      img_version: 2,
      mvas_tmpfs: [],
      fdinfo_per_id: true,
      mvas_format: OUR_FORMAT,
    }),
    vas: VAS,
    pstree: [
      { pid: INIT, ppid: asNsPid(0), pgid: INIT, sid: INIT, threads: [INIT, asNsTid(5)] },
      { pid: WORKER, ppid: INIT, pgid: INIT, sid: INIT, threads: [WORKER] },
      { pid: GONE, ppid: WORKER, pgid: INIT, sid: INIT, threads: [GONE] },
    ],
    cores: new Map<NsTid, CoreEntry>([
      [INIT, core('redis-server')],
      [asNsTid(5), core()],
      [WORKER, core('worker')],
      [GONE, zombie],
    ]),
    ids: new Map([
      [INIT, IDS],
      [WORKER, { ...IDS, vm_id: 2, files_id: 2, fs_id: 1 }],
    ]),
    mms: new Map([
      [INIT, memory()],
      [WORKER, memory()],
    ]),
    fs: new Map([
      [INIT, { cwd_id: 2, root_id: 2, umask: 0o22 }],
      [WORKER, { cwd_id: 2, root_id: 2, umask: 0o22 }],
    ]),
    fdinfo: new Map([
      [
        1,
        [
          { id: 3, flags: 0, type: 'PIPE', fd: 0 },
          { id: 4, flags: 1, type: 'UNIXSK', fd: 7 },
          { id: 6, flags: 0, type: 'REG', fd: 8 },
        ],
      ],
      [2, []],
    ]),
    files: files(),
    remaps: [{ orig_id: 6, remap_id: 1, remap_type: 'GHOST' }],
    ghosts: new Map([[1, ghost()]]),
    pipeData: [{ entry: { pipe_id: 77, bytes: 2 }, payload: Uint8Array.of(104, 105) }],
    packets: [
      {
        entry: { id_for: 4, length: 1, scm: [{ type: 1, rights: [3] }] },
        payload: Uint8Array.of(33),
      },
    ],
    seccomp: { seccomp_filters: [{ filter: new Uint8Array(8) }] },
  };
}
