// SPDX-License-Identifier: Apache-2.0
import { openSync } from 'node:fs';
import { type HostPid, ownPid } from '../../../common/ids.js';
import { groupBy } from '../../../common/group-by.js';
import { PAGE } from '../../../native/abi/index.js';
import { syscall } from '../../../native/index.js';
import { check, closeFd, errnoName, readProcess, SYS } from '../../../native/sys.js';
import type { IpcParts } from '../../image/parts.js';
import type { MessageQueue, QueuedMessage } from '../../image/queues.js';
import type { IpcDescEntry } from '../../image/types.js';
import type { Owner } from '../../memory/live/same-pages.js';
import type { LiveSegment } from '../../memory/live/shared-objects.js';
import { segmentOf, wholePages, type MappedArea } from '../../memory/memory-map.js';
import { readIdMaps, readMaps } from '../../procfs/reader.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { isHugetlb } from '../files/deleted/ghost.js';
import { Refusals } from '../files/refusals.js';
import { inNamespaceOf } from '../in-namespace.js';
import { insideIds } from '../inside-ids.js';
import { DS_BYTES, IPC, IPC_NOWAIT, IPC_PRIVATE, MSG_COPY, MSG_QBYTES, SHM_DEST } from './abi.js';
import { textOf } from './check.js';
import { readLimitsOfNamespace } from './limits.js';
import { noIpc } from './none.js';
import { parseQueues, parseSegments, parseSemaphores, type SegmentLine } from './sysvipc.js';
import { dumpAdjustments, type SemaphoreSet } from './undo.js';
import { describe } from './words.js';

/** So much may lie in message queues. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const SHM_RDONLY = 0o10000;
/** Before the key in the name of a mapping. */
const NAME = '/SYSV';
/** Of a `struct msgbuf`: the type, before the data. */
const TYPE_BYTES = 8;

/** What a container has in its own IPC namespace. */
export interface IpcDump {
  readonly parts: IpcParts;
  /** What memory has to know of segments. */
  readonly segments: readonly LiveSegment[];
  /** Closes segments that nobody has attached. */
  readonly close: () => void;
}

/** That of a container which has none of its own. */
export const NO_IPC: IpcDump = {
  parts: noIpc(),
  segments: [],
  close: () => undefined,
};

/** What {@link dumpIpc} looks at. */
export interface IpcRequest {
  readonly initPid: HostPid;
  readonly processes: readonly TracedProcess[];
  /** Their memory, judged. */
  readonly owners: readonly Owner[];
  /** A process that has never used SEM_UNDO: see undo.ts. */
  readonly plainPid: HostPid;
}

/** Where a segment is attached, whole or in part. */
interface Attachment {
  readonly id: number;
  readonly owner: Owner;
  readonly area: MappedArea;
}

/** A segment of a live container, and where it is attached. */
interface AttachedSegment extends SegmentLine {
  readonly places: readonly Attachment[];
}

interface ReadSet extends SemaphoreSet {
  /** The values as they are in an image. */
  readonly payload: Uint8Array;
}

/**
 * Reads the System V objects of a stopped container's own IPC namespace. Nothing is taken out of a message queue; a segment that nobody
 * has attached is attached for a moment.
 *
 * @throws ShimError `failedPrecondition` naming what cannot be restored
 */
export async function dumpIpc(request: IpcRequest): Promise<IpcDump> {
  const dump = new Dump(request);
  try {
    return await dump.run();
  } catch (error) {
    dump.close();
    throw error;
  }
}

class Dump {
  readonly #request: IpcRequest;
  readonly #refusals = new Refusals();
  readonly #opened: number[] = [];
  readonly #segments: LiveSegment[] = [];

  constructor(request: IpcRequest) {
    this.#request = request;
  }

  close(): void {
    for (const fd of this.#opened.splice(0)) closeFd(fd);
  }

  async run(): Promise<IpcDump> {
    const { parts, sets } = inNamespaceOf(this.#request.initPid, 'ipc', () => this.#read());
    const adjustments = await dumpAdjustments(sets, this.#request, this.#refusals);
    this.#refusals.throwIfAny();
    const semaphores = sets.map(({ desc, values, payload }) => {
      const mvas_adjustments = adjustments.get(desc.id) ?? [];
      return { entry: { desc, nsems: values.length, mvas_adjustments }, payload };
    });
    const close = () => {
      this.close();
    };
    const inside = insideIds({ ...parts, semaphores }, readIdMaps(this.#request.initPid));
    return { parts: inside, segments: this.#segments, close };
  }

  /** With the calling thread in the namespace. */
  #read(): { readonly parts: IpcParts; readonly sets: readonly ReadSet[] } {
    const segments = this.#attachedSegments();
    const sets = parseSemaphores(textOf('sem')).map(({ desc, count }) => readSet(desc, count));
    const queues = parseQueues(textOf('msg'));
    if (segments.length + sets.length + queues.length === 0) return { parts: noIpc(), sets };
    const ipcLimits = readLimitsOfNamespace();
    if (segments.length > 0 && ipcLimits.shm_rmid_forced !== 0) {
      const why = 'is set and there are segments, which cannot be restored; remedy: set it to 0';
      this.#refusals.add('sysctl kernel.shm_rmid_forced', why);
    }
    let room = MAX_MESSAGE_BYTES;
    const messageQueues = queues.flatMap(({ desc, bytes, count }) => {
      room -= bytes;
      if (room >= 0) return [this.#readQueue(desc, count, Math.min(bytes, ipcLimits.msg_ctlmax))];
      const why = `message queues hold more than ${String(MAX_MESSAGE_BYTES >> 20)} MiB`;
      this.#refusals.add(describe('message queue', desc), `${why}; remedy: receive some of it`);
      return [];
    });
    const entries = segments.map((segment) => this.#readSegment(segment));
    return { parts: { ipcLimits, segments: entries, semaphores: [], messageQueues }, sets };
  }

  #attachedSegments(): AttachedSegment[] {
    const places = groupBy(this.#request.owners.flatMap(attachmentsOf), ({ id }) => id);
    const lines = parseSegments(textOf('shm'));
    for (const line of lines) this.#checkOutside(line, places.get(line.desc.id)?.length ?? 0);
    const known = new Set(lines.map(({ desc }) => desc.id));
    for (const [id, [first]] of places) {
      if (known.has(id)) continue;
      const what = `${first?.owner.process.label ?? ''} System V shared memory segment ${String(id)}`;
      this.#refusals.add(what, 'is of another IPC namespace; remedy: have it detached');
    }
    return lines.map((line) => ({ ...line, places: places.get(line.desc.id) ?? [] }));
  }

  #checkOutside({ desc, attachments }: SegmentLine, inside: number): void {
    if (attachments === inside) return;
    const outside = String(Math.abs(attachments - inside));
    const why = `is attached by ${outside} outside of the container, and cannot be restored`;
    this.#refusals.add(describe('shared memory segment', desc), `${why}; remedy: detach it there`);
  }

  #readSegment(segment: AttachedSegment): IpcParts['segments'][number] {
    const { desc, size } = segment;
    const live = segment.places.length > 0 ? this.#tailOf(segment) : this.#openLoose(segment);
    this.#segments.push({ ...live, id: desc.id });
    const isRemoved = (desc.mode & SHM_DEST) !== 0;
    const made = isRemoved ? madeKey(segment) : undefined;
    const entry = { desc, size, in_pagemaps: true, mvas_runs: [], mvas_made_key: made };
    return { entry, payload: new Uint8Array(0) };
  }

  /** What is in the last page beyond the size, by a mapping of that page where there is one. */
  #tailOf(segment: AttachedSegment): Pick<LiveSegment, 'tail'> {
    const { size, places } = segment;
    const length = Number(wholePages(size) - size);
    if (length === 0) return {};
    const last = wholePages(size) - PAGE;
    const place = places.find(({ area: { start, end, offset } }) => {
      return offset <= last && last - offset < end - start;
    });
    if (!place) return this.#attach(segment, (at) => ({ tail: readTail(ownPid(), at, size) }));
    const { owner, area } = place;
    return { tail: readTail(owner.process.pid, area.start - area.offset, size) };
  }

  /** Opens a segment that nobody has attached. */
  #openLoose(segment: AttachedSegment): Pick<LiveSegment, 'tail' | 'path'> {
    const { desc, size } = segment;
    return this.#attach(segment, (at) => {
      const range = `${at.toString(16)}-${(at + wholePages(size)).toString(16)}`;
      const fd = openSync(`/proc/self/map_files/${range}`, 'r');
      this.#opened.push(fd);
      if (isHugetlb(fd)) {
        const why = 'a segment of huge pages cannot be restored; remedy: remove it';
        this.#refusals.add(describe('shared memory segment', desc), why);
      }
      return { path: `/proc/self/fd/${String(fd)}`, tail: readTail(ownPid(), at, size) };
    });
  }

  #attach<T>({ desc }: SegmentLine, use: (at: bigint) => T): T {
    const what = `attach ${describe('shared memory segment', desc)}`;
    const at = check(what, syscall(SYS.shmat, desc.id, 0, SHM_RDONLY));
    try {
      return use(BigInt(at));
    } finally {
      syscall(SYS.shmdt, at);
    }
  }

  #readQueue(desc: IpcDescEntry, count: number, most: number): MessageQueue {
    const what = describe('message queue', desc);
    const state = Buffer.alloc(DS_BYTES);
    check(`look at ${what}`, syscall(SYS.msgctl, desc.id, IPC.stat, state));
    const qbytes = Number(state.readBigUInt64LE(MSG_QBYTES));
    const messages: QueuedMessage[] = [];
    const buffer = Buffer.alloc(TYPE_BYTES + most);
    for (let index = 0; index < count; index++) {
      const flags = MSG_COPY | IPC_NOWAIT;
      const got = syscall(SYS.msgrcv, desc.id, buffer, most, index, flags);
      if (got < 0) {
        const why = `its message ${String(index)} cannot be read (${errnoName(got)})`;
        this.#refusals.add(what, `${why}; remedy: receive it`);
        break;
      }
      const data = Uint8Array.from(buffer.subarray(TYPE_BYTES, TYPE_BYTES + got));
      messages.push({ type: buffer.readBigInt64LE(0), data });
    }
    return { entry: { desc, qbytes, qnum: messages.length }, messages };
  }
}

function attachmentsOf(owner: Owner): Attachment[] {
  return owner.map.areas.flatMap((area) => {
    const id = area.kind === 'anonymous-shared' ? segmentOf(area.object) : undefined;
    return id === undefined ? [] : [{ id, owner, area }];
  });
}

/** The key by which a segment was made that has lost it by being removed: its mappings are named after it. */
function madeKey({ places: [place] }: AttachedSegment): number {
  if (!place) return IPC_PRIVATE;
  const { owner, area } = place;
  const found = readMaps(owner.process.pid).find(({ start }) => start === area.start);
  return parseInt(found?.path.slice(NAME.length) ?? '', 16);
}

function readTail(pid: HostPid, segmentAt: bigint, size: bigint): Uint8Array {
  return readProcess(pid, segmentAt + size, Number(wholePages(size) - size));
}

function readSet(desc: IpcDescEntry, count: number): ReadSet {
  const payload = new Uint8Array(count * 2);
  const what = `read ${describe('semaphore set', desc)}`;
  check(what, syscall(SYS.semctl, desc.id, 0, IPC.getAll, payload));
  return { desc, values: new Uint16Array(payload.buffer), payload };
}
