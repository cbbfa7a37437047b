// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { asNsPid, type HostPid, INIT, type NsPid, type VasId } from '../../common/ids.js';
import type { Warning } from '../../common/log.js';
import { mark } from '../../common/trace.js';
import type { StdioLinks } from '../../common/runtime-state.js';
import type { ExecMode } from '../constants.js';
import type { Lasting } from '../lasting.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { Momentary } from '../retry.js';
import { IMAGE_VERSION } from '../image/header.js';
import { OUR_FORMAT } from '../image/constants.js';
import type { MmEntry, PstreeEntry, TaskKobjIdsEntry } from '../image/types.js';
import { VAS_REFERENCE_FORMAT } from '../image/vas-reference.js';
import type { LiveProcess } from '../memory/live/process.js';
import { placeContents } from '../memory/live/place-contents.js';
import type { Layout } from '../memory/layout.js';
import type { PlacedProcesses } from '../memory/live/source.js';
import { takeMemory, type FoundMemory } from '../memory/live/take-memory.js';
import type { PageRun } from '../memory/page-runs.js';
import type { MappedArea, MemoryMap, SharedObject } from '../memory/memory-map.js';
import { EntryMaker } from '../memory/to-image.js';
import { keysOf } from '../memory/protection-keys.js';
import { whyCopied } from '../memory/why-copied.js';
import { idsIn, PidNamespace } from '../pid-namespace.js';
import { containerGroups, containerPid, type ProcStatus } from '../procfs/status.js';
import type { StillProcess } from '../procfs/still-process.js';
import { dumpAttributes, dumpZombie, type AttributeDump } from '../resources/attributes.js';
import type { IpcDump } from '../resources/ipc/dump.js';
import { placeSegments } from '../resources/ipc/place.js';
import { dumpTmpfs, type ReadTmpfs, type TmpfsPlace } from '../resources/tmpfs.js';
import { placeGhosts } from '../resources/files/deleted/stored-contents.js';
import type { Members } from '../resources/files/dump-context.js';
import { FileDumper } from '../resources/files/dumper.js';
import { labelOf } from '../tracee/label.js';
import type { Session } from '../tracee/session.js';
import type { TracedProcess } from '../tracee/tracee.js';
import { buildTree, forkersOf, OUTSIDE, parentsFirst } from '../tree/process-tree.js';
import { Guard } from '../vas/guard.js';
import { bootId, waitSocketOf } from '../vas/store.js';

/** What a collection needs besides the session. */
export interface CollectRequest {
  readonly initPid: HostPid;
  readonly tree: Tree;
  readonly containerId: string;
  readonly vasId: VasId;
  /** Memory of the processes, as it was before anything of ours was mapped. */
  readonly memory: FoundMemory;
  readonly ipc: IpcDump;
  /** Where its spec has made tmpfs mounts. */
  readonly tmpfsMounts: readonly string[];
  /** The spec that the container was started with. */
  readonly stdio: StdioLinks | undefined;
  /** What is done with processes that came by exec. */
  readonly exec: ExecMode;
  readonly hasUserNamespace?: boolean;
  /** What looks before this one have left. */
  readonly lasting: Lasting;
  /** Called once memory has been found. From then on, who looks at what processes map may have to wait for the kernel. */
  readonly onMemory?: ((memory: PlacedProcesses) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Everything about a stopped container except the content of its memory, and of large files without a name. */
export interface Collection {
  /** Content of its tmpfs mounts. */
  readonly tmpfs: readonly ReadTmpfs[];
  readonly image: CheckpointImage;
  readonly createdAt: string;
  /** Where the holder's own range begins. */
  readonly base: bigint;
  readonly layout: Layout;
  readonly maps: readonly MemoryMap[];
  readonly shared: readonly SharedObject[];
  readonly processes: readonly LiveProcess[];
  readonly clean: ReadonlyMap<NsPid, readonly PageRun[]>;
  readonly whyCopied: string | undefined;
  /** Sockets that can outlive the container, until {@link close}. */
  readonly keepable: readonly number[];
  /** What is lost, to be told if the stop succeeds. */
  readonly warnings: readonly Warning[];
  /** Closes the files of the container; to be called once memory is copied. */
  readonly close: () => void;
}

/**
 * Inspects a stopped container, and places its memory.
 *
 * @throws ShimError `failedPrecondition` for anything that cannot be restored, `canceled`
 */
export async function collectImage(session: Session, request: CollectRequest): Promise<Collection> {
  const { processes } = session;
  const { memory: found, ipc } = request;
  const { pstree } = request.tree;
  const taken = takeMemory(found, ipc.segments);
  const { maps, shared, clean, layout } = taken;
  mark('places');
  const attributes = await dumpAttributes(processes, {
    tracer: session.tracer,
    jobStopped: session.jobStopped,
    resume: session.resume,
    keyed: new Set(maps.filter(({ areas }) => areas.some(hasKey)).map(({ pid }) => pid)),
  });
  mark('attributes');
  const files = openFiles(session, request);
  try {
    processes.forEach((process, at) => {
      files.lookAtMapped(process, maps[at]?.areas ?? []);
    });
    mark('looks at mapped files');
    request.onMemory?.({ base: layout.base, maps });
    session.standstill.lookAt('the content of its tmpfs mounts');
    const tmpfs = dumpTmpfs(request.initPid, request.tmpfsMounts);
    mark('tmpfs');
    await dumpOpen(files);
    mark('open files');
    const mms = memoryEntries(processes, { maps, shared, ...attributes }, files);
    mark('mapped files');
    const { tables, ...fileParts } = await files.finish(request.signal);
    if (found.ahead) refusePinned(fileParts.files);
    const contents = placeContents(files.contents(), { maps, layout });
    const cores = new Map(attributes.cores);
    for (const { pid, nsPid } of session.zombies) cores.set(nsPid, dumpZombie(pid));
    const createdAt = new Date().toISOString();
    const image: CheckpointImage = {
      ...headersOf(request, tmpfs, createdAt),
      pstree,
      cores,
      ids: objectIds(processes, tables),
      mms,
      ...fileParts,
      ghosts: placeGhosts(fileParts.ghosts, contents),
      ...placeSegments(ipc.parts, shared),
      seccomp: attributes.seccomp,
    };
    const held = [...shared, ...contents];
    const memory = { base: layout.base, layout, maps, shared: held, processes, clean };
    const close = () => {
      files.close();
    };
    const { keepable } = files;
    const warnings = [...attributes.warnings, ...files.warnings];
    const why = whyNoExec(request, pstree) ?? whyCopied({ maps, cores, keys: attributes.keys });
    return { image, tmpfs, createdAt, ...memory, whyCopied: why, keepable, warnings, close };
  } catch (error) {
    files.close();
    throw error;
  }
}

/** The kernel may write to memory unseen. */
export class Pinned extends Momentary {}

/** What an io_uring writes to registered buffers, nobody sees who tracks writes. The next try copies nothing ahead. */
function refusePinned(files: CheckpointImage['files']): void {
  if (!files.some(({ mvas_io_uring: ring }) => ring?.buffers)) return;
  const message = 'an io_uring with registered buffers has been made while memory was copied ahead';
  throw new Pinned('failedPrecondition', `${message}; remedy: try again`);
}

/** Why processes cannot be restored by EXEC; undefined if their memory alone decides. */
function whyNoExec(
  { hasUserNamespace }: CollectRequest,
  [root]: Tree['pstree'],
): string | undefined {
  if (hasUserNamespace) return 'it has a user namespace';
  return root?.pid === INIT ? undefined : 'it shares a pid namespace';
}

/** What says whose checkpoint it is, and what of. */
function headersOf(
  { vasId, containerId }: CollectRequest,
  tmpfs: readonly TmpfsPlace[],
  createdAt: string,
): Pick<CheckpointImage, 'inventory' | 'vas'> {
  return {
    inventory: {
      img_version: IMAGE_VERSION,
      fdinfo_per_id: true,
      ns_per_id: true,
      mvas_vas_id: vasId,
      mvas_format: OUR_FORMAT,
      mvas_tmpfs: tmpfs.map(({ mountPoint, dev }) => ({ mount_point: mountPoint, dev })),
    },
    vas: { format: VAS_REFERENCE_FORMAT, vasId, bootId: bootId(), createdAt, containerId },
  };
}

/** Takes copies of all descriptors. */
function openFiles(session: Session, request: CollectRequest): FileDumper {
  const keeper = waitSocketOf(request.vasId);
  return new FileDumper(session.processes, request.stdio, {
    guardOption: (socket, option) => Guard.arm(keeper, socket, option),
    keepsExecs: request.exec === 'keep',
    initPid: request.initPid,
    members: membersOf(session),
    lasting: request.lasting,
  });
}

async function dumpOpen(files: FileDumper): Promise<void> {
  files.dump();
  await files.askCloseOnExec();
}

/** The process tree of a container. */
export interface Tree {
  readonly pstree: readonly PstreeEntry[];
  /** The process that forks each at a restore, by container pids. */
  readonly forkers: ReadonlyMap<NsPid, NsPid>;
}

function membersOf({ processes, zombies }: Session): Members {
  const all = [...processes, ...zombies];
  const threads = processes.flatMap((process) => process.threads.map(({ nsTid }) => nsTid));
  return {
    pids: new Set(all.map(({ pid }) => pid)),
    ids: new Set([...all.map(({ nsPid }) => nsPid), ...threads]),
  };
}

/**
 * The process tree of a stopped container: its init comes first. Checks that a restore can build it again.
 *
 * @throws ShimError `failedPrecondition`
 */
export function readTree(session: Pick<Session, 'processes' | 'zombies'>, initPid: HostPid): Tree {
  const all = [
    ...session.processes.map(({ pid, nsPid, leader: { status }, threads }) => {
      const tids = threads.map((thread) => thread.nsTid);
      return { pid, nsPid, status, tids, isZombie: false };
    }),
    ...session.zombies.map((zombie) => ({ ...zombie, tids: [zombie.nsPid], isZombie: true })),
  ].sort((a, b) => Number(b.pid === initPid) - Number(a.pid === initPid) || a.nsPid - b.nsPid);
  checkOutside(all.map(({ status }) => status));
  const byHostPid = new Map<HostPid, NsPid>(all.map(({ pid, nsPid }) => [pid, nsPid]));
  const namespace = new PidNamespace(initPid);
  const names = new Map<NsPid, string>();
  const entries = all.map(({ nsPid, tids, status }): PstreeEntry => {
    names.set(nsPid, status.name);
    const ppid = byHostPid.get(status.ppid) ?? outerParent(namespace, status);
    return { pid: nsPid, ppid, ...containerGroups(status), threads: tids };
  });
  checkLeaders(entries, all[0]?.pid ?? initPid);
  const zombies = new Set(session.zombies.map(({ nsPid }) => nsPid));
  const forest = buildTree(
    entries.map((entry) => ({
      ...entry,
      isZombie: zombies.has(entry.pid),
      name: names.get(entry.pid) ?? '',
    })),
  );
  return { pstree: parentsFirst(entries), forkers: forkersOf(forest) };
}

/**
 * Refuses processes in different sessions or groups that were made outside: a restore makes one, for all of them.
 *
 * @throws ShimError `failedPrecondition`
 */
function checkOutside(all: readonly ProcStatus[]): void {
  const sessions = all.filter((status) => containerGroups(status).sid === OUTSIDE);
  const groups = sessions.filter((status) => containerGroups(status).pgid === OUTSIDE);
  const other =
    sessions.find(({ nsSid }) => nsSid[0] !== sessions[0]?.nsSid[0]) ??
    groups.find(({ nsPgid }) => nsPgid[0] !== groups[0]?.nsPgid[0]);
  if (!other) return;
  const why =
    'its session or group was made outside of the container, and that of others is another one';
  const remedy = 'remedy: end it first';
  const who = `pid ${String(containerPid(other))} (${other.name})`;
  throw new ShimError('failedPrecondition', `${who}: ${why}, which is not supported; ${remedy}`);
}

/** Sessions and groups whose leaders have ended are made again; those of others' processes cannot be. */
function checkLeaders(entries: readonly PstreeEntry[], initPid: HostPid): void {
  const own = new Set(entries.map(({ pid }) => pid));
  const isForeign = (id: NsPid): boolean => id !== 0 && !own.has(id);
  const foreign = entries.flatMap(({ pid, sid, pgid }) =>
    [sid, pgid].filter(isForeign).map((id) => ({ pid, id })),
  );
  if (foreign.length === 0 || own.has(INIT)) return;
  const holders = idsIn(`/proc/${String(initPid)}/ns/pid`);
  for (const { pid, id } of foreign) {
    const holder = holders.get(id);
    if (holder?.as !== 'process') continue;
    const what = `its session or group is that of ${labelOf(holder.pid)}, outside of the container`;
    const message = `pid ${String(pid)}: ${what}, which is not supported; remedy: end it`;
    throw new ShimError('failedPrecondition', message);
  }
}

/** The parent of a process that descends from none of the container, as the container sees it. */
function outerParent(namespace: PidNamespace, { tgid, ppid }: ProcStatus): NsPid {
  if (namespace.isAdopter(ppid)) return INIT;
  if (!namespace.has(ppid)) return asNsPid(0);
  const what = `its parent, ${labelOf(ppid)}, is outside of the container, which is not supported`;
  throw new ShimError('failedPrecondition', `${labelOf(tgid)}: ${what}; remedy: end it`);
}

function objectIds(
  processes: readonly TracedProcess[],
  tables: ReadonlyMap<NsPid, number>,
): Map<NsPid, TaskKobjIdsEntry> {
  return new Map(
    processes.map(({ nsPid }, index) => {
      const own = index + 1;
      const files = tables.get(nsPid) ?? own;
      return [nsPid, { vm_id: own, files_id: files, fs_id: own, sighand_id: own }];
    }),
  );
}

function hasKey({ key }: MappedArea): boolean {
  return key !== 0;
}

function memoryEntries(
  processes: readonly TracedProcess[],
  {
    maps,
    shared,
    brks,
    keys,
  }: Pick<Collection, 'maps' | 'shared'> & Pick<AttributeDump, 'brks' | 'keys'>,
  files: FileDumper,
): Map<NsPid, MmEntry> {
  const maker = new EntryMaker(shared);
  const entries = new Map<NsPid, MmEntry>();
  for (const [index, process] of processes.entries()) {
    const map = maps[index];
    if (!map) continue;
    entries.set(process.nsPid, {
      ...layoutEntry(process.proc, brks.get(process.nsPid)),
      exe_file_id: files.exeFile(process),
      mm_saved_auxv: process.proc.auxv.flatMap(({ type, value }) => [type, value]),
      vmas: maker.entriesOf(map, (area, file) => files.mappedFile(process, area, file)),
      aios: [],
      mvas_pkeys: keysOf(map, keys.get(process.nsPid)),
    });
  }
  return entries;
}

/** Where the parts of a process's memory begin and end. */
function layoutEntry({ stat }: StillProcess, brk: bigint | undefined) {
  return {
    mm_start_code: stat.startCode,
    mm_end_code: stat.endCode,
    mm_start_data: stat.startData,
    mm_end_data: stat.endData,
    mm_start_stack: stat.startStack,
    mm_start_brk: stat.startBrk,
    mm_brk: brk ?? stat.startBrk,
    mm_arg_start: stat.argStart,
    mm_arg_end: stat.argEnd,
    mm_env_start: stat.envStart,
    mm_env_end: stat.envEnd,
  };
}
