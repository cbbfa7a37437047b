// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../native/sys.js';
import type { PlanBuilder } from '../../plan/builder.js';
import { PlanPointer, type Argument, type PlanData } from '../../plan/values.js';
import type { OpenPath, Sequence } from '../../plan/sequence.js';
import type { Descriptor, RowWord } from '../../plan/row.js';
import { AT_FDCWD, AT_REMOVEDIR, O, RESOLVE, SETTABLE } from '../../../native/abi/index.js';
import type { ScratchNames } from './names/scratch-names.js';
import { cPath, openHow } from './system.js';

/** How {@link Stage.openPath} opens. */
export interface OpenPathOptions {
  readonly flags: number;
  /** Permissions of a file that O_CREAT creates. */
  readonly mode?: number;
}

/** Where files are opened. */
export interface StageOptions {
  /** Higher than any descriptor of the restored processes. */
  readonly base: number;
  /** Names for what needs a name for a while. */
  readonly names: ScratchNames;
  /**
   * The most bytes that buffers of sockets can be set to (`net.core.wmem_max`), for a process that is in a user namespace;
   * the host's root can set any.
   */
  readonly mostBuffer?: number | undefined;
}

/**
 * Opens files into descriptors whose numbers are known while the plan is being written: `base` and upwards, higher
 * than any descriptor of the restored processes.
 */
export class Stage {
  readonly builder: PlanBuilder;
  readonly sequence: Sequence;
  readonly base: number;
  readonly names: ScratchNames;
  readonly mostBuffer: number | undefined;
  /** Structures for openat2(2), by content, since most files are opened alike. */
  readonly #hows = new Map<string, PlanData>();
  /** Paths, since one file may be opened many times. */
  readonly #paths = new Map<string, PlanData>();
  #next: number;

  constructor(builder: PlanBuilder, sequence: Sequence, { base, names, mostBuffer }: StageOptions) {
    this.builder = builder;
    this.sequence = sequence;
    this.base = base;
    this.names = names;
    this.mostBuffer = mostBuffer;
    this.#next = base;
  }

  /** An unused number. */
  reserve(): number {
    return this.#next++;
  }

  /** The first number that was never reserved. */
  get end(): number {
    return this.#next;
  }

  /** A system call in the root process. */
  run(what: string, nr: number, args: readonly Argument[], expect?: number | RowWord): void {
    this.sequence.syscall(what, nr, args, expect === undefined ? {} : { expect });
  }

  /** A system call whose failure does not matter. */
  attempt(what: string, nr: number, args: readonly Argument[]): void {
    this.sequence.syscall(what, nr, args, { tolerate: true });
  }

  /** Removes what may be left under a name: a file that is not a folder, or an empty folder. */
  removeLeft(folder: number, name: string): void {
    const what = 'remove what a killed restore has left';
    const at = [folder, this.builder.data(cPath(name), 1)] as const;
    this.attempt(what, SYS.unlinkat, [...at, 0]);
    this.attempt(what, SYS.unlinkat, [...at, AT_REMOVEDIR]);
  }

  /** The same descriptors and names, with operations that go to another sequence. */
  withSequence(sequence: Sequence): Stage {
    const { builder, base, names, mostBuffer } = this;
    return new Stage(builder, sequence, { base, names, mostBuffer });
  }

  /** A system call that creates a descriptor, which is moved to a number. */
  make(what: string, number: Descriptor, nr: number, args: readonly Argument[]): void {
    this.sequence.syscall(what, nr, args, { move: number });
  }

  /**
   * A system call that writes two new descriptors to an address (pipe2, socketpair): its last argument except for
   * `after`.
   */
  makePair(
    what: string,
    numbers: readonly [number, number],
    nr: number,
    args: { readonly before: readonly Argument[]; readonly after: readonly Argument[] },
  ): void {
    const ends = this.builder.reserve(8);
    this.sequence.syscall(what, nr, [...args.before, ends, ...args.after]);
    numbers.forEach((number, index) => {
      this.sequence.moveFrom(what, new PlanPointer(ends, index * 4), number);
    });
  }

  /**
   * Opens a path of the container, which must not contain symbolic links. Never waits: a FIFO in place of a file
   * does not block it.
   */
  openPath(what: string, number: number, name: string, options: OpenPathOptions): void {
    const { flags, mode = 0 } = options;
    this.#open(what, { path: this.path(name), number, stat: null }, flags, mode);
  }

  /** The same for a path, a number and a `struct stat` that a row has. */
  openBy(flags: number, row: Pick<OpenPath, 'path' | 'number' | 'stat'>): void {
    this.#open('', row, flags);
  }

  #open(
    what: string,
    row: Pick<OpenPath, 'path' | 'number' | 'stat'>,
    flags: number,
    mode = 0,
  ): void {
    const patient = flags & O.path || flags & O.nonblock;
    const path = {
      directory: AT_FDCWD,
      how: this.#how(flags | O.cloexec | (patient ? 0 : O.nonblock), mode),
      flags: patient ? null : flags & SETTABLE,
      ...row,
    };
    this.sequence.open(what, path);
  }

  /** Opens again what a descriptor refers to, with flags of its own. */
  reopen(what: string, number: number, of: number, flags: number): void {
    const path = this.builder.string(`/proc/self/fd/${String(of)}`);
    this.make(what, number, SYS.openat, [AT_FDCWD, path, flags | O.cloexec, 0]);
  }

  /** Gives the same open file another number. */
  copy(what: string, number: number, of: Argument): void {
    this.run(what, SYS.dup3, [of, number, O.cloexec]);
  }

  close(number: number): void {
    this.run(`close ${String(number)}`, SYS.close, [number]);
  }

  /** A path as a C string. */
  path(name: string): PlanData {
    const known = this.#paths.get(name);
    if (known) return known;
    const made = this.builder.string(name);
    this.#paths.set(name, made);
    return made;
  }

  #how(flags: number, mode: number): PlanData {
    const key = `${String(flags)} ${String(mode)}`;
    const known = this.#hows.get(key);
    if (known) return known;
    const how = openHow(flags, mode, RESOLVE.noSymlinks | RESOLVE.noMagicLinks);
    const made = this.builder.data(how);
    this.#hows.set(key, made);
    return made;
  }
}
