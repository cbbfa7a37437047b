// SPDX-License-Identifier: Apache-2.0
import { IORING_SETUP } from '../../../../../native/io-uring.js';
import {
  type RegisteredFiles,
  type RingContext,
  RingKeeper,
} from '../../../../../native/kernel/index.js';
import type {
  MvasIoUringEntry,
  MvasRingDescriptor,
  MvasRingFiles,
} from '../../../../image/types.js';
import type { Tracee } from '../../../../tracee/tracee.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { opensLater } from '../../opens-later.js';
import { anonymousName } from '../anonymous.js';
import { describeBuffers, type BufferOwner } from './buffers.js';
import { KEPT_SETUP } from './check.js';

/** Flags that a restored one need not have: they say how others were meant. */
const SPENT_SETUP = IORING_SETUP.cqSize | IORING_SETUP.clamp | IORING_SETUP.attachWq;
const CLOCK_MONOTONIC = 1;

/** What is in an image besides sizes and memory; `limitsWorkers` is lost. */
export interface KeptRing
  extends
    Pick<
      MvasIoUringEntry,
      'setup_flags' | 'clock' | 'registered' | 'buffers' | 'eventfd' | 'eventfd_async' | 'issuer'
    >,
    Pick<RingContext, 'limitsWorkers' | 'groups'> {
  readonly descriptors: MvasRingDescriptor[];
}

/** Describes what only the kernel knows of io_urings that stand still. */
export class KeptRings {
  readonly #context: DumpContext;
  readonly #keeper = RingKeeper.open();

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** A text if it cannot be restored; undefined if this kernel does not let us know. */
  describe(file: OpenFile): KeptRing | string | undefined {
    const ring = this.#read(file);
    if (!ring) return undefined;
    return unsupported(ring) ?? this.#describe(file, ring);
  }

  #describe(file: OpenFile, ring: RingContext): KeptRing | string {
    const issuer = ring.issuer && this.#threadOf(file, ring.issuer.tid);
    if (issuer === undefined) {
      return 'whose only thread (IORING_SETUP_SINGLE_ISSUER) has ended, or does not have it open,';
    }
    const tables = this.#tablesOf(file, ring, issuer);
    if (typeof tables === 'string') return tables;
    const eventfd = ring.eventfd && this.#eventfd(ring.eventfd.event);
    if (eventfd === undefined)
      return 'with an eventfd (IORING_REGISTER_EVENTFD) that is open nowhere else';
    return {
      setup_flags: ring.setup & KEPT_SETUP,
      clock: ring.clock === CLOCK_MONOTONIC ? undefined : ring.clock,
      ...tables,
      eventfd: eventfd?.id,
      ...(ring.eventfd?.isAsync === true && { eventfd_async: true }),
      issuer: issuer?.nsTid,
      descriptors: this.#descriptors(file, ring.descriptors),
      limitsWorkers: ring.limitsWorkers,
      groups: ring.groups,
    };
  }

  #read({ own }: OpenFile): RingContext | undefined {
    try {
      return this.#keeper?.contextOf(own);
    } catch {
      return undefined; // As where the kernel shows nothing.
    }
  }

  /** A thread of the container whose process has the io_uring open. */
  #threadOf(file: OpenFile, tid: number | undefined): Tracee | undefined {
    const { processes, open } = this.#context;
    const process = processes.find(({ threads }) => threads.some((one) => one.tid === tid));
    const table = open.tables.find(
      ({ owner, sharers }) => process && (owner === process || sharers.includes(process)),
    );
    const isOpen = table?.descriptors.some((one) => one.file === file) ?? false;
    return isOpen ? process?.threads.find((one) => one.tid === tid) : undefined;
  }

  /** Registered files and buffers. */
  #tablesOf(
    file: OpenFile,
    ring: RingContext,
    issuer: Tracee | null,
  ): Pick<KeptRing, 'registered' | 'buffers'> | string {
    const registered = ring.registered && this.#registered(ring.registered);
    if (typeof registered === 'string') return registered;
    const buffers = ring.buffers && describeBuffers(ring.buffers, this.#ownersOf(file, issuer));
    return typeof buffers === 'string' ? buffers : { registered, buffers };
  }

  /** Who may have registered its buffers: the processes that have it open, or the one that alone may use it. */
  #ownersOf(file: OpenFile, issuer: Tracee | null): BufferOwner[] {
    const { processes, open } = this.#context;
    if (issuer) {
      const own = processes.find(({ threads }) => threads.includes(issuer));
      return own ? [{ pid: own.pid, nsTid: issuer.nsTid }] : [];
    }
    const tables = open.tables.filter(({ descriptors }) =>
      descriptors.some((one) => one.file === file),
    );
    const owners = tables.flatMap(({ owner, sharers }) => [owner, ...sharers]);
    return owners.flatMap(({ pid, threads: [leader] }) =>
      leader ? [{ pid, nsTid: leader.nsTid }] : [],
    );
  }

  #registered({ size, files, from, to }: RegisteredFiles): MvasRingFiles | string | undefined {
    if (size === 0) return undefined;
    const addresses = this.#keeper?.files ?? [];
    const open = new Map(this.#context.open.files.map((one) => [addresses[one.own], one]));
    const found = files.map((one) => ({ ...one, open: open.get(one.file) }));
    const lost = found.find((one) => !one.open || opensLater(this.#context, one.open));
    if (lost) {
      const what = `with a registered file (IORING_REGISTER_FILES, number ${String(lost.index)})`;
      return `${what} ${lost.open ? 'of /proc or a process' : 'that is open nowhere else'}`;
    }
    const entries = found.map((one) => ({
      index: one.index,
      file: one.open?.id ?? 0,
      tag: one.tag,
    }));
    return { size, from, to, files: entries };
  }

  /** The open file of an eventfd; undefined if there is none. */
  #eventfd(event: bigint): OpenFile | undefined {
    return this.#context.open.files.find(
      (file) => anonymousName(file) === 'eventfd' && this.#keeper?.eventOf(file.own) === event,
    );
  }

  /** Of threads that are not part of the checkpoint, nothing is kept. */
  #descriptors(file: OpenFile, all: RingContext['descriptors']): MvasRingDescriptor[] {
    return all.flatMap(({ tid, index }) => {
      const thread = this.#threadOf(file, tid);
      return thread ? [{ tid: thread.nsTid, index }] : [];
    });
  }
}

/** What makes it one that cannot be made again. */
function unsupported({ setup, isRestricted }: RingContext): string | undefined {
  if (setup & IORING_SETUP.sqPoll) return 'with a thread that polls (IORING_SETUP_SQPOLL)';
  if (setup & IORING_SETUP.ioPoll) return 'that polls devices (IORING_SETUP_IOPOLL)';
  if (setup & (IORING_SETUP.wideEntries | IORING_SETUP.wideCompletions))
    return 'that has wide entries (IORING_SETUP_SQE128, IORING_SETUP_CQE32)';
  if (setup & IORING_SETUP.noMmap) return 'whose memory is its own (IORING_SETUP_NO_MMAP)';
  if (isRestricted || setup & IORING_SETUP.disabled)
    return 'that was made with restrictions (IORING_SETUP_R_DISABLED)';
  const rest = setup & ~(KEPT_SETUP | SPENT_SETUP);
  return rest === 0 ? undefined : `with unknown flags (0x${(rest >>> 0).toString(16)})`;
}
