// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostPid, type NsPid, asVasId, type VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import type { ImageSize } from '../image/image-reader.js';
import { deleteDuplicates, listDuplicates, type Backend } from './backend.js';
import { listIds, vasDirectory, vasRoot } from './directory.js';
import { HolderClient, type HolderStatus } from './holder-client.js';
import { CONTROL_SOCKET, forkHolder, startHolder, WAIT_SOCKET } from './holder-process.js';
import { Lifeline } from './lifeline.js';
import { readSnapshot, type SnapshotRecord } from './snapshot-record.js';
import { decodeSegments, type Segment } from './segments.js';
import { leaveVasCgroup, enterVasCgroup } from './vas-cgroup.js';

const log = logger('vas');
const RECORD = 'vas.json';
const SEGMENTS = 'segments';
/** Version of {@link VasRecord}. */
export const RECORD_FORMAT = 3;

/** A process whose memory a VAS holds. */
export interface ProcessRecord {
  /** Its container pid. */
  readonly pid: NsPid;
  readonly name: string;
  /** How many of its ranges the file of segments has. */
  readonly segments: number;
}

/** One of the kernel's own areas of a holder. Addresses are hexadecimal strings in the file. */
export interface KernelAreaRecord {
  readonly special: string;
  readonly start: string;
  readonly end: string;
}

/** What a checkpoint copied while its container ran. */
export interface PreCopyRecord {
  /** In how many rounds. */
  readonly rounds: number;
  readonly bytes: number;
}

/**
 * What `vas.json` says about a VAS. Written when the checkpoint is complete, and again when the memory is, if that comes
 * later; only we use the directory (0700).
 */
export interface VasRecord {
  readonly format: typeof RECORD_FORMAT;
  readonly id: VasId;
  readonly name: string;
  readonly bootId: string;
  readonly containerId: string;
  readonly createdAt: string;
  /** Whether all of its memory is there. */
  readonly isComplete: boolean;
  /** Why it never will be. */
  readonly broken?: string | undefined;
  readonly bytes: number;
  /** How the memory was taken. */
  readonly backend: Backend;
  /** Where the holder's own range begins; hexadecimal. */
  readonly base: string;
  /** The kernel's areas in that range, which are the same in all forks. */
  readonly kernelAreas: readonly KernelAreaRecord[];
  /** SHA-256 of the image directory that belongs to it. */
  readonly imageDigest: string;
  /** How much lies in that directory. */
  readonly imageSize: ImageSize;
  /** Milliseconds for which the container stood still. */
  readonly frozenMs: number;
  /** What was copied while it ran; missing if nothing was. */
  readonly preCopy?: PreCopyRecord | undefined;
  /** How many processes it was copied from a twin of, after they stood still; missing if none. */
  readonly twins?: number | undefined;
  /** The VAS that it has been forked from, and shares its pages with; missing if there is none. It need not exist any more. */
  readonly origin?: VasId | undefined;
  /** Bytes that were copied in addition to what that had, those of shared memory included. */
  readonly copied?: number | undefined;
  readonly processes: readonly ProcessRecord[];
}

/** Id of the running boot: a VAS does not outlive it. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** A VAS that is being filled. Cutting its lifeline gives up the memory; its directory stays. */
export interface NewVas {
  readonly id: VasId;
  readonly holder: HolderClient;
  readonly lifeline: Lifeline;
}

/** A new, empty VAS: its directory, keeper and holder. `memoryLimit` in bytes. */
export async function createVas(memoryLimit?: number): Promise<NewVas> {
  return await create(memoryLimit, startHolder);
}

/**
 * A new VAS that has what another one has, and shares its pages. Neither depends on the other.
 *
 * @throws ShimError if that is lost, or cannot be forked
 */
export async function forkVas(from: VasId, memoryLimit?: number): Promise<NewVas> {
  const holder = connectVas(from);
  try {
    return await create(memoryLimit, (directory, lifeline) => {
      return forkHolder(directory, lifeline, holder);
    });
  } finally {
    holder.close();
  }
}

/** @param start starts a keeper with a holder; returns its pid */
async function create(
  memoryLimit: number | undefined,
  start: (directory: string, lifeline: Lifeline) => Promise<HostPid>,
): Promise<NewVas> {
  const id = asVasId(randomBytes(16).toString('hex'));
  const directory = vasDirectory(id);
  mkdirSync(vasRoot(), { recursive: true, mode: 0o700 });
  const lifeline = new Lifeline();
  let holder: HolderClient | undefined;
  try {
    mkdirSync(directory, { mode: 0o700 });
    const keeper = await start(directory, lifeline);
    holder = HolderClient.connect(join(directory, CONTROL_SOCKET));
    const { pid } = await holder.status();
    enterVasCgroup(id, [keeper, pid], memoryLimit);
    return { id, holder, lifeline };
  } catch (error) {
    lifeline.cut();
    holder?.close();
    await removeVas(id);
    throw error;
  }
}

/** Connects to a VAS's holder. @throws ShimError `failedPrecondition` if the VAS is lost */
export function connectVas(id: VasId): HolderClient {
  return HolderClient.connect(join(vasDirectory(id), CONTROL_SOCKET));
}

/** Path of the socket on which a VAS's keeper reports exits. */
export function waitSocketOf(id: VasId): string {
  return join(vasDirectory(id), WAIT_SOCKET);
}

/** Writes a VAS's record, atomically, after the file of its segments. */
export function writeRecord(record: VasRecord, segments: Uint8Array): void {
  writeFileSync(join(vasDirectory(record.id), SEGMENTS), segments, { mode: 0o600 });
  updateRecord(record);
}

/** Replaces a VAS's record, atomically. */
export function updateRecord(record: VasRecord): void {
  const path = join(vasDirectory(record.id), RECORD);
  writeFileSync(`${path}.tmp`, JSON.stringify(record, null, 1), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

/** What a VAS holds. @throws ShimError `notFound` */
export function readSegments({ id, processes }: VasRecord): Segment[] {
  try {
    return decodeSegments(readFileSync(join(vasDirectory(id), SEGMENTS)), processes);
  } catch (cause) {
    throw new ShimError('notFound', `no segments of VAS ${id} on this host`, { cause });
  }
}

/** Reads a VAS's record. @throws ShimError `notFound` */
export function readRecord(id: VasId): VasRecord {
  const path = join(vasDirectory(id), RECORD);
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as Omit<VasRecord, 'format'> & {
      readonly format: unknown;
    };
    if (record.format !== RECORD_FORMAT || record.id !== id) throw new Error('not this format');
    return { ...record, format: RECORD_FORMAT };
  } catch (cause) {
    throw new ShimError('notFound', `no VAS ${id} on this host`, { cause });
  }
}

/**
 * What is known about one VAS. `lost`: its holder, or a duplicate in the kernel, is gone, and memory with it; `broken`:
 * its memory could not be filled, which its record explains.
 */
export interface VasEntry {
  readonly id: VasId;
  readonly state: 'complete' | 'filling' | 'lost' | 'broken';
  /** Where `vas.json` lies. */
  readonly directory: string;
  /** When its memory was taken, or, while that is unknown, when it was begun. */
  readonly createdAt: Date;
  /** Undefined until its checkpoint is complete. */
  readonly record: VasRecord | undefined;
  /** Undefined if it is no snapshot. */
  readonly snapshot?: SnapshotRecord | undefined;
  /** Undefined once it is lost. */
  readonly holder: HolderStatus | undefined;
}

/** What is known about a VAS. @throws ShimError `notFound` if it has no directory */
export async function inspectVas(id: VasId): Promise<VasEntry> {
  if (!listIds().includes(id)) throw new ShimError('notFound', `no VAS ${id} on this host`);
  return await inspect(id, listDuplicates);
}

async function inspect(id: VasId, duplicates: typeof listDuplicates): Promise<VasEntry> {
  let record: VasRecord | undefined;
  try {
    record = readRecord(id);
  } catch {
    record = undefined; // Being filled.
  }
  const createdAt = record ? new Date(record.createdAt) : beginningOf(id);
  const holder = await statusOf(id);
  const isLost = !holder || (record && !hasDuplicates(record, duplicates));
  const state = record?.broken !== undefined ? 'broken' : isLost ? 'lost' : fillingOf(record);
  const snapshot = readSnapshot(id);
  return { id, state, directory: vasDirectory(id), createdAt, record, snapshot, holder };
}

function fillingOf(record: VasRecord | undefined): 'complete' | 'filling' {
  return record?.isComplete === true ? 'complete' : 'filling';
}

/** When a VAS without a record was begun: when its directory was created, or last changed. */
function beginningOf(id: VasId): Date {
  return statSync(vasDirectory(id), { throwIfNoEntry: false })?.mtime ?? new Date();
}

/** Whether the kernel still has everything that it should have of a VAS. */
function hasDuplicates(
  { id, backend, processes }: VasRecord,
  duplicates: typeof listDuplicates,
): boolean {
  if (backend !== 'kernel-exec') return true;
  const found = duplicates().get(id);
  return processes.every(({ pid }) => found?.has(pid));
}

/** All VASes, by id. One that is removed meanwhile may be missing. */
export async function listVases(): Promise<VasEntry[]> {
  // The kernel is asked once for all, after the last record has been read: until then there may be more.
  let known: ReturnType<typeof listDuplicates> | undefined;
  return await Promise.all(listIds().map((id) => inspect(id, () => (known ??= listDuplicates()))));
}

/** Drops a VAS's memory and its directory. Containers restored from it run on. Does nothing if there is none. */
export async function removeVas(id: VasId): Promise<void> {
  const directory = vasDirectory(id);
  try {
    const holder = connectVas(id);
    try {
      await holder.drop();
    } finally {
      holder.close();
    }
  } catch (error) {
    log.debug('no holder to drop', { vas: id, error: String(error) });
  }
  deleteDuplicates(id);
  await leaveVasCgroup(id);
  rmSync(directory, { recursive: true, force: true }); // Last, so that a removal that was interrupted can be repeated.
}

async function statusOf(id: VasId): Promise<HolderStatus | undefined> {
  try {
    const holder = connectVas(id);
    try {
      return await holder.status();
    } finally {
      holder.close();
    }
  } catch {
    return undefined;
  }
}
