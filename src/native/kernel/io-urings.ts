// SPDX-License-Identifier: Apache-2.0
import type { RingLayout } from './layout.js';
import { learnKernel } from './learn.js';
import { UnreadableKernel } from './memory.js';
import { type KernelObjects, MOST_IN_LIST } from './objects.js';
import { RingBuffers, type RegisteredBuffers } from './ring-buffers.js';

/*
 * What the kernel keeps of an io_uring (`struct io_ring_ctx`, include/linux/io_uring_types.h), and shows nowhere. It has to
 * stand still: no thread that uses it runs.
 */

/** A file that is registered with an io_uring. */
export interface RegisteredFile {
  readonly index: number;
  /** As in {@link RingKeeper.files}. */
  readonly file: bigint;
  readonly tag: bigint;
}

/** The table of registered files. */
export interface RegisteredFiles {
  readonly size: number;
  readonly files: readonly RegisteredFile[];
  /** The places that the kernel takes by itself (IORING_REGISTER_FILE_ALLOC_RANGE). */
  readonly from: number;
  readonly to: number;
}

/** What the kernel keeps of an io_uring. Threads that have ended, or are not in our pid namespace, have no tid. */
export interface RingContext {
  /** IORING_SETUP_*. */
  readonly setup: number;
  /** The only thread that may use it (IORING_SETUP_SINGLE_ISSUER); null if any may. */
  readonly issuer: { readonly tid: number | undefined } | null;
  readonly isRestricted: boolean;
  /** Whether it limits the number of its workers (IORING_REGISTER_IOWQ_MAX_WORKERS). */
  readonly limitsWorkers: boolean;
  /** The clock of its waits (IORING_REGISTER_CLOCK, Linux 6.12). */
  readonly clock: number;
  /** Undefined if this kernel keeps them in an unknown way (before Linux 6.13). */
  readonly registered: RegisteredFiles | undefined;
  /** Undefined if this kernel keeps them in an unknown way (before Linux 6.13), or if some are the kernel's own. */
  readonly buffers: RegisteredBuffers | undefined;
  /** The eventfd that is told of completions. */
  readonly eventfd: { readonly event: bigint; readonly isAsync: boolean } | null;
  /** Groups of buffers that it has, or has had. */
  readonly groups: readonly number[];
  /** Registered descriptors of it (IORING_REGISTER_RING_FDS). */
  readonly descriptors: readonly { readonly tid: number | undefined; readonly index: number }[];
}

/** How many descriptors of io_urings a thread may register. */
const MOST_DESCRIPTORS = 16;
/** The lowest bits of a pointer to a registered file are flags. */
const FILE_MASK = ~7n;
const CLOCK_MONOTONIC = 1;
/** Before Linux 6.8 these lie in a table of their own. */
const LOW_GROUPS = 64;
const MOST_FILES = 1 << 20;

/** Reads io_urings that stand still, by descriptors of this process. */
export class RingKeeper {
  readonly #objects: KernelObjects;
  readonly #layout: RingLayout;
  /** Null: not learned yet. */
  #buffers: RingBuffers | null | undefined = null;
  /** Addresses of the open files of this process, by descriptor. */
  readonly files: readonly bigint[];

  private constructor(objects: KernelObjects, layout: RingLayout) {
    this.#objects = objects;
    this.#layout = layout;
    this.files = objects.openFiles();
  }

  /** Undefined if this kernel does not let them be read. */
  static open(): RingKeeper | undefined {
    const kernel = learnKernel(() => true);
    if (!kernel?.rings) return undefined;
    try {
      return new RingKeeper(kernel.objects, kernel.rings);
    } catch {
      return undefined;
    }
  }

  /** What `eventfd` of a context says of a descriptor of this process on an eventfd. @throws UnreadableKernel */
  eventOf(own: number): bigint {
    return this.#objects.privateData(own);
  }

  /** @throws UnreadableKernel */
  contextOf(own: number): RingContext {
    const { io_ring_ctx: at, clock } = this.#layout;
    const objects = this.#objects;
    const ring = objects.privateData(own);
    const issuer = objects.pointer(ring, at.submitter_task);
    return {
      setup: objects.number(ring, at.flags),
      issuer: issuer === 0n ? null : { tid: this.#tidOf(issuer) },
      isRestricted: objects.bit(ring, at.restricted),
      limitsWorkers: objects.bit(ring, at.iowq_limits_set),
      clock: clock ? objects.number(ring, clock.io_ring_ctx.clockid) : CLOCK_MONOTONIC,
      registered: this.#registered(ring),
      buffers: this.#buffersOf(ring),
      eventfd: this.#eventfd(objects.pointer(ring, at.io_ev_fd)),
      groups: this.#groups(ring),
      descriptors: this.#descriptors(ring + BigInt(at.tctx_list), this.files[own] ?? 0n),
    };
  }

  #tidOf(task: bigint): number | undefined {
    const pid = this.#objects.pointer(task, this.#layout.task_struct.thread_pid);
    const tid = this.#objects.numberOf(pid);
    return tid === 0 ? undefined : tid;
  }

  #registered(ring: bigint): RegisteredFiles | undefined {
    const { files: layout } = this.#layout;
    if (!layout) return undefined;
    const objects = this.#objects;
    const { io_ring_ctx: at, io_rsrc_data: data, io_rsrc_node: node } = layout;
    const table = ring + BigInt(at.file_table + layout.io_file_table.data);
    const size = objects.number(table, data.nr);
    if (size > MOST_FILES) throw new UnreadableKernel('no table of files');
    const nodes = objects.pointers(objects.pointer(table, data.nodes), size);
    const files = nodes.flatMap((one, index) => {
      if (one === 0n) return [];
      const file = objects.pointer(one, node.file_ptr) & FILE_MASK;
      return [{ index, file, tag: objects.pointer(one, node.tag) }];
    });
    const from = objects.number(ring, at.file_alloc_start);
    return { size, files, from, to: objects.number(ring, at.file_alloc_end) };
  }

  #buffersOf(ring: bigint): RegisteredBuffers | undefined {
    const { buffers: layout } = this.#layout;
    if (!layout) return undefined;
    const table = ring + BigInt(layout.io_ring_ctx.buf_table);
    if (this.#objects.number(table, layout.io_rsrc_data.nr) === 0) return { size: 0, buffers: [] };
    if (this.#buffers === null) this.#buffers = RingBuffers.learn(this.#objects, layout);
    return this.#buffers?.of(ring);
  }

  #eventfd(address: bigint): RingContext['eventfd'] {
    if (address === 0n) return null;
    const { io_ev_fd: at } = this.#layout;
    const isAsync = this.#objects.bit(address, at.eventfd_async);
    return { event: this.#objects.pointer(address, at.cq_ev_fd), isAsync };
  }

  #groups(ring: bigint): number[] {
    const { io_ring_ctx: at, xarray, lowGroups } = this.#layout;
    const head = this.#objects.pointer(ring, at.io_bl_xa + xarray.xa_head);
    const hasLow = lowGroups && this.#objects.pointer(ring, lowGroups.io_ring_ctx.io_bl) !== 0n;
    const low = hasLow ? Array.from({ length: LOW_GROUPS }, (_, group) => group) : [];
    return [...low, ...this.#indices(head, 0)];
  }

  /** The indices below an entry of an xarray (include/linux/xarray.h). */
  #indices(entry: bigint, from: number): number[] {
    if (entry === 0n) return [];
    if ((entry & 3n) !== 2n || entry <= 4096n) return [from];
    const { shift, slots, tags } = this.#layout.xa_node;
    const node = entry - 2n;
    const step = 2 ** (this.#objects.number(node, shift) & 0xff);
    const below = this.#objects.pointers(node + BigInt(slots), (tags - slots) / 8);
    return below.flatMap((slot, index) => this.#indices(slot, from + index * step));
  }

  /** Looks through the tables of all threads that have ever used the io_uring. */
  #descriptors(list: bigint, file: bigint): RingContext['descriptors'] {
    const { io_tctx_node: at, io_uring_task, task_struct } = this.#layout;
    const found: { tid: number | undefined; index: number }[] = [];
    const objects = this.#objects;
    let next = objects.pointer(list, 0);
    for (let count = 0; next !== list; count++) {
      if (count > MOST_IN_LIST) throw new UnreadableKernel('no list');
      const task = objects.pointer(next - BigInt(at.ctx_node), at.task);
      const used = objects.pointer(task, task_struct.io_uring);
      const table = used + BigInt(io_uring_task.registered_rings);
      const files = used === 0n ? [] : objects.pointers(table, MOST_DESCRIPTORS);
      files.forEach((one, index) => {
        if (one === file) found.push({ tid: this.#tidOf(task), index });
      });
      next = objects.pointer(next, 0);
    }
    return found;
  }
}
