// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { PTRACE } from '../../../native/abi/index.js';
import { errnoError } from '../../../native/sys.js';
import type { SeccompEntry, SeccompFilter } from '../../image/types.js';
import type { Tracer } from '../../../native/index.js';
import type { NamedThread } from '../../tracee/tracee.js';
import { reader } from '../../../native/structures.js';

const INSTRUCTION_SIZE = 8;
/** BPF_MAXINSNS, and MAX_INSNS_PER_PATH of kernel/seccomp.c. */
const MOST_INSTRUCTIONS = 4096;
const MOST_INSTRUCTIONS_PER_CHAIN = 32768;
const MOST_FILTERS = 4096;
const METADATA_SIZE = 16;
/** SECCOMP_FILTER_FLAG_LOG and SPEC_ALLOW: the flags that belong to a filter and persist. */
const KNOWN_FLAGS = 2 | 4;
const BPF_RET_K = 0x06;
const RET_USER_NOTIF = 0x7fc00000;
const RET_ACTION = 0xffff0000;
const ENOENT = -2;

/** One installed filter: an array of `struct sock_filter`, and its SECCOMP_FILTER_FLAG_* flags. */
export interface ChainLink {
  readonly filter: Uint8Array;
  readonly flags: number;
}

/**
 * The filters of a stopped thread, oldest first (as get_nth_filter() in kernel/seccomp.c counts them, contrary to
 * ptrace(2)). Needs CAP_SYS_ADMIN and a tracer without filters of its own (ptrace(2), PTRACE_SECCOMP_GET_FILTER;
 * flags since Linux 4.16).
 *
 * @throws ShimError of the failed request's kind
 */
export async function readSeccompChain(tracer: Tracer, thread: NamedThread): Promise<ChainLink[]> {
  const { tid, label } = thread;
  const chain: ChainLink[] = [];
  for (let index = 0; ; index++) {
    const what = `read seccomp filter ${String(index)} of ${label}`;
    const count = await tracer.request(PTRACE.seccompGetFilter, tid, index, null);
    if (count === ENOENT) return chain;
    if (count < 0) throw errnoError(what, count);
    const filter = new Uint8Array(count * INSTRUCTION_SIZE);
    const got = await tracer.request(PTRACE.seccompGetFilter, tid, index, filter);
    if (got !== count) throw errnoError(what, got);
    chain.push({ filter, flags: await readFlags(tracer, thread, index) });
  }
}

async function readFlags(
  tracer: Tracer,
  { tid, label }: NamedThread,
  index: number,
): Promise<number> {
  const metadata = Buffer.alloc(METADATA_SIZE);
  metadata.writeBigUInt64LE(BigInt(index), 0);
  const got = await tracer.request(PTRACE.seccompGetMetadata, tid, METADATA_SIZE, metadata);
  const what = `read the flags of seccomp filter ${String(index)} of ${label}`;
  if (got < 0) throw errnoError(what, got);
  return Number(reader(metadata).readBigUInt64LE(8));
}

/** Whether a filter passes calls to a supervisor, whose descriptor cannot be created again. */
export function notifiesSupervisor(filter: Uint8Array): boolean {
  const view = reader(filter);
  for (let at = 0; at + INSTRUCTION_SIZE <= view.length; at += INSTRUCTION_SIZE) {
    const isReturn = view.readUInt16LE(at) === BPF_RET_K;
    const action = (view.readUInt32LE(at + 4) & RET_ACTION) >>> 0;
    if (isReturn && action === RET_USER_NOTIF) return true;
  }
  return false;
}

/** Collects the chains of all threads; common prefixes are stored once. */
export class SeccompCollector {
  readonly #filters: SeccompFilter[] = [];
  readonly #known = new Map<string, number>();

  /** Adds a chain, oldest filter first; returns the index of its last filter, or undefined for an empty chain. */
  add(chain: readonly ChainLink[]): number | undefined {
    let prev: number | undefined;
    for (const link of chain) prev = this.#addLink(link, prev);
    return prev;
  }

  /** All filters; undefined if there are none. */
  get entry(): SeccompEntry | undefined {
    return this.#filters.length > 0 ? { seccomp_filters: this.#filters } : undefined;
  }

  #addLink({ filter, flags }: ChainLink, prev: number | undefined): number {
    const key = `${String(prev)} ${String(flags)} ${Buffer.from(filter).toString('base64')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = this.#filters.push({ filter, prev, flags }) - 1;
    this.#known.set(key, index);
    return index;
  }
}

/** The chain that ends at a filter of an image, oldest first. Throws `dataLoss` for a bad one. */
export function chainOf(entry: SeccompEntry | undefined, last: number | undefined): ChainLink[] {
  const filters = entry?.seccomp_filters ?? [];
  const chain: ChainLink[] = [];
  let instructions = 0;
  for (let index = last; index !== undefined;) {
    const filter = filters[index] ?? badImage(`no seccomp filter ${String(index)}`);
    instructions += filter.filter.length / INSTRUCTION_SIZE;
    const isEndless = chain.length >= MOST_FILTERS || instructions > MOST_INSTRUCTIONS_PER_CHAIN;
    if (isEndless) badImage(`seccomp filter ${String(last)}: its chain is too long`);
    chain.push({ filter: filter.filter, flags: filter.flags ?? 0 });
    index = filter.prev;
  }
  return chain.reverse();
}

/**
 * Checks that each filter is whole instructions and builds on an earlier one, which excludes cycles. Throws
 * `dataLoss`.
 */
export function checkFilters(entry: SeccompEntry | undefined): void {
  for (const [index, { filter, flags = 0, prev }] of (entry?.seccomp_filters ?? []).entries()) {
    const what = `check seccomp filter ${String(index)}`;
    const count = filter.length / INSTRUCTION_SIZE;
    const isPossible = Number.isInteger(count) && count > 0 && count <= MOST_INSTRUCTIONS;
    if (!isPossible || (flags & ~KNOWN_FLAGS) !== 0) {
      badImage(`${what}: ${String(filter.length)} bytes, flags ${String(flags)}`);
    }
    if (prev !== undefined && prev >= index) badImage(`${what}: it is built on a later one`);
  }
}

/** The length of the common prefix of two chains. */
export function commonLength(a: readonly ChainLink[], b: readonly ChainLink[]): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    const [one, other] = [a[index], b[index]];
    if (!one || one.flags !== other?.flags) return index;
    if (Buffer.compare(one.filter, other.filter) !== 0) return index;
  }
  return shorter;
}

/**
 * The filters that a restored thread gets: its own, and below them those of the live container unless its own begin
 * with these already. So an image never loosens what the request asks for.
 */
export function effectiveChain(
  own: readonly ChainLink[],
  live: readonly ChainLink[],
): readonly ChainLink[] {
  return commonLength(own, live) === live.length ? own : [...live, ...own];
}
