// SPDX-License-Identifier: Apache-2.0
import { findOpenFile, syscall } from '../../../native/index.js';
import { check, SYS } from '../../../native/sys.js';
import { KCMP } from '../../../native/abi/index.js';

const EQUAL = 0;
const LESS = 1;
/** What findOpenFile returns if there is one, and where it reports the place. */
const FOUND = 1;
const place = new Int32Array(1);

/**
 * A set of kernel objects in the order that kcmp(2) gives them: finding one takes a logarithmic number of
 * comparisons. `compare` answers as kcmp(2) does: 0 equal, 1 less, 2 greater.
 */
export class KcmpSet<T> {
  readonly #sorted: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  /** Returns the member that is the same object; otherwise adds the candidate and returns it. */
  findOrAdd(candidate: T): T {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const member = this.#sorted[middle] as T;
      const order = this.#compare(candidate, member);
      if (order === EQUAL) return member;
      if (order === LESS) high = middle;
      else low = middle + 1;
    }
    this.#sorted.splice(low, 0, candidate);
    return candidate;
  }
}

/** Compares what two tasks use: KCMP.files, KCMP.fs. Throws if one of them is gone. */
export function compareTasks(kind: number, a: number, b: number): number {
  const what = `compare pids ${String(a)} and ${String(b)}`;
  return check(what, syscall(SYS.kcmp, a, b, kind, 0, 0));
}

/** A set of open files in the order of kcmp(2), each with a descriptor of our own on it. */
export class OpenFileSet<T extends { readonly own: number }> {
  readonly #members: T[] = [];
  /** Descriptors of the members, in the same order, with room for more. */
  #sorted = new Int32Array(4);

  /** Returns the member that is the same open file; otherwise adds the candidate and returns it. */
  findOrAdd(candidate: T): T {
    const { length } = this.#members;
    const found = findOpenFile(this.#sorted, length, candidate.own, place);
    check('compare two open files', found);
    const at = place[0] ?? 0;
    const member = this.#members[at];
    if (found === FOUND && member) return member;
    if (length === this.#sorted.length) this.#grow();
    this.#sorted.copyWithin(at + 1, at, length);
    this.#sorted[at] = candidate.own;
    this.#members.splice(at, 0, candidate);
    return candidate;
  }

  #grow(): void {
    const larger = new Int32Array(this.#sorted.length * 2);
    larger.set(this.#sorted);
    this.#sorted = larger;
  }
}

/**
 * Whether a descriptor of ours is the `nth` file (from 0) that an epoll instance, given by another descriptor of
 * ours, watches under the number `target`.
 */
export function isEpollTarget(epoll: number, target: number, nth: number, own: number): boolean {
  const slot = Buffer.alloc(12);
  slot.writeUInt32LE(epoll, 0);
  slot.writeUInt32LE(target, 4);
  slot.writeUInt32LE(nth, 8);
  return syscall(SYS.kcmp, process.pid, process.pid, KCMP.epollTarget, own, slot) === EQUAL;
}
