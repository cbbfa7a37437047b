// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../native/sys.js';
import { PLAN_HEADER_SIZE } from '../../plan/abi.js';
import {
  PlanData,
  PlanPointer,
  type Argument,
  type OpOptions,
  type PlanBuilder,
  type Sequence,
  type Slot,
} from '../../plan/builder.js';
import { AT_FDCWD, AT_REMOVEDIR, F, O, RESOLVE, SETTABLE } from './abi.js';
import type { ScratchNames } from './names/scratch-names.js';
import { cPath, openHow } from './system.js';

/** How {@link Stage.openPath} opens. */
export interface OpenPathOptions {
  readonly flags: number;
  /** Permissions of a file that O_CREAT makes. */
  readonly mode?: number;
  readonly explain?: OpOptions['explain'];
}

/**
 * Opens files into descriptors whose numbers are known while the plan is being written: `base` and
 * upwards, higher than any descriptor of the restored processes.
 */
export class Stage {
  readonly builder: PlanBuilder;
  readonly sequence: Sequence;
  readonly base: number;
  /** For what has to have a name for a while. */
  readonly names: ScratchNames;
  readonly #slot: Slot;
  readonly #pair: Slot;
  #next: number;

  constructor(builder: PlanBuilder, sequence: Sequence, base: number, names: ScratchNames) {
    this.builder = builder;
    this.sequence = sequence;
    this.base = base;
    this.names = names;
    this.#next = base;
    this.#slot = builder.slot();
    this.#pair = builder.slot();
  }

  /** A number nobody has yet. */
  reserve(): number {
    return this.#next++;
  }

  /** The first number never reserved. */
  get end(): number {
    return this.#next;
  }

  /** A system call in the root process. */
  run(what: string, nr: number, args: readonly Argument[], expect?: number): void {
    this.sequence.syscall(what, nr, args, expect === undefined ? {} : { expect });
  }

  /** A system call whose failure does not matter. */
  attempt(what: string, nr: number, args: readonly Argument[]): void {
    this.sequence.syscall(what, nr, args, { tolerate: true });
  }

  /** Removes what may be left under a name: a file that is not a folder, or an empty one. */
  removeLeft(folder: number, name: string): void {
    const what = 'remove what a killed restore has left';
    const at = [folder, this.builder.data(cPath(name), 1)] as const;
    this.attempt(what, SYS.unlinkat, [...at, 0]);
    this.attempt(what, SYS.unlinkat, [...at, AT_REMOVEDIR]);
  }

  /** A system call that makes a descriptor, which is moved to a number. */
  make(what: string, number: number, nr: number, args: readonly Argument[]): void {
    this.sequence.syscall(what, nr, args, { store: this.#slot });
    this.#move(what, this.#slot, number);
  }

  /** A system call that writes two new descriptors to an address (pipe2, socketpair): its last argument but `after`. */
  makePair(
    what: string,
    numbers: readonly [number, number],
    nr: number,
    args: { readonly before: readonly Argument[]; readonly after: readonly Argument[] },
  ): void {
    const ends = this.builder.reserve(8);
    this.sequence.syscall(what, nr, [...args.before, ends, ...args.after]);
    numbers.forEach((number, index) => {
      const end = this.builder.reserve(8);
      this.sequence.copy(what, end, new PlanPointer(ends, index * 4), 4);
      this.#move(what, this.load(what, end), number);
    });
  }

  /**
   * Opens a path of the container, in which no symbolic link may lie. Waits for nobody: a FIFO in the
   * place of a file makes no difference.
   */
  openPath(what: string, number: number, path: string, options: OpenPathOptions): void {
    const { flags, mode = 0, explain } = options;
    const patient = flags & O.path || flags & O.nonblock;
    const how = openHow(
      flags | O.cloexec | (patient ? 0 : O.nonblock),
      mode,
      RESOLVE.noSymlinks | RESOLVE.noMagicLinks,
    );
    const { builder } = this;
    const args = [AT_FDCWD, builder.data(cPath(path), 1), builder.data(how), how.length];
    this.sequence.syscall(what, SYS.openat2, args, { store: this.#slot, explain });
    this.#move(what, this.#slot, number);
    if (!patient) this.run(what, SYS.fcntl, [number, F.setfl, flags & SETTABLE]);
  }

  /** Opens once more what a descriptor is open on, with flags of its own. */
  reopen(what: string, number: number, of: number, flags: number): void {
    const path = this.builder.string(`/proc/self/fd/${String(of)}`);
    this.make(what, number, SYS.openat, [AT_FDCWD, path, flags | O.cloexec, 0]);
  }

  /** Gives the same open file another number. */
  copy(what: string, number: number, of: Argument): void {
    this.run(what, SYS.dup3, [of, number, O.cloexec]);
  }

  /** A slot that has the 8 bytes at an address until the next use of {@link load} or {@link makePair}. */
  load(what: string, from: Argument): Slot {
    this.sequence.copy(what, slotAddress(this.#pair), from, 8);
    return this.#pair;
  }

  close(number: number): void {
    this.run(`close ${String(number)}`, SYS.close, [number]);
  }

  #move(what: string, slot: Slot, number: number): void {
    this.sequence.syscall(what, SYS.dup3, [slot, number, O.cloexec]);
    this.sequence.syscall(what, SYS.close, [slot]);
  }
}

/** The address of a slot, for operations that write it as memory. The layout is drawn in mvas_abi.h. */
function slotAddress(slot: Slot): PlanData {
  const data = new PlanData(new Uint8Array(8), 8);
  data.offset = PLAN_HEADER_SIZE + slot.index * 8;
  return data;
}
