// SPDX-License-Identifier: Apache-2.0
import { INIT, type NsPid } from '../../../../../common/ids.js';
import { badImage, ShimError } from '../../../../../common/errors.js';
import { SYS } from '../../../../../native/sys.js';
import { bodyOf } from '../../../../image/entry-kind.js';
import type { TtyDataEntry, TtyFileEntry, TtyInfoEntry } from '../../../../image/types.js';
import type { PlanBuilder } from '../../../../plan/builder.js';
import type { Argument } from '../../../../plan/values.js';
import type { Sequence } from '../../../../plan/sequence.js';
import { AT_SYMLINK_NOFOLLOW, O, REOPENABLE } from '../../../../../native/abi/index.js';
import { Folders } from '../../names/folders.js';
import type { ImageIndex } from '../../image-index.js';
import type { StagedFile } from '../../kind.js';
import type { PlanContext } from '../../plan-context.js';
import { checkPath } from '../../names/path.js';
import type { Stage } from '../../stage.js';
import { planContent } from './content-plan.js';
import {
  DEVPTS,
  encodeTermios,
  encodeWindowSize,
  endOf,
  findConsole,
  isHungUp,
  numberOf,
  TTY,
} from './terminal.js';

/** TIOCSCTTY: never takes a terminal away from another session. */
const NO_THEFT = 0;

/** An open file on a terminal, its name if it has one, and the descriptor that it gets. */
interface StagedTerminal {
  readonly entry: TtyFileEntry;
  readonly name: string;
  readonly number: number;
}

/**
 * Plans pseudo terminals. A new devpts numbers them from 0 upwards, so each gets its old number if they are created
 * in that order. Order of use: {@link planOpen} in PID 1, which leads its session by then; in every other leader
 * {@link planSession} once it has made its session and before it forks; {@link planForeground} once all groups
 * exist.
 */
export class TerminalPlan {
  readonly #index: ImageIndex;
  readonly #builder: PlanBuilder;
  readonly #slaves: readonly TtyInfoEntry[];
  readonly #masters: readonly TtyInfoEntry[];
  readonly #ttys: ReadonlyMap<number, TtyInfoEntry>;
  /** By the id of an end: what it has not read. */
  readonly #content: ReadonlyMap<number, TtyDataEntry>;
  readonly #hasConsole: boolean;
  /** The container's init. */
  readonly #root: NsPid;
  /** By number of the terminal: staged descriptors of its slave, and of its master. */
  readonly #slaveNumbers = new Map<number, number>();
  readonly #masterNumbers = new Map<number, number>();

  /** @throws ShimError `failedPrecondition` if the new console does not match the old terminals */
  constructor({ builder, index, options: { hasConsole, root = INIT } }: PlanContext) {
    const { ttys } = index.image;
    this.#index = index;
    this.#builder = builder;
    this.#ttys = new Map(ttys.map((info) => [info.id, info]));
    this.#content = new Map(index.image.ttyData.map((entry) => [entry.tty_id, entry]));
    this.#slaves = ttys.filter((info) => endOf(info) === 'slave' && !isHungUp(info));
    this.#masters = ttys
      .filter((info) => endOf(info) === 'master')
      .sort((a, b) => numberOf(a) - numberOf(b));
    this.#hasConsole = hasConsole;
    this.#root = root;
    const needsConsole = findConsole(ttys) !== undefined;
    if (needsConsole && !hasConsole) {
      throw new ShimError(
        'failedPrecondition',
        'the checkpoint has a terminal, the new container none',
      );
    }
    if (hasConsole && this.#masters.some((info) => numberOf(info) === 0)) {
      const why = `${DEVPTS}/0 is a terminal that the container has made itself`;
      throw new ShimError('failedPrecondition', `${why}; remedy: restore it without a terminal`);
    }
  }

  /** Creates the terminals, opens all files on them, and gives PID 1 its own. */
  planOpen(stage: Stage, terminals: readonly StagedFile<'tty'>[]): void {
    const files = terminals.map(({ body, number }) => ({
      entry: body,
      name: this.#nameOf(body),
      number,
    }));
    this.#planMasters(stage, files);
    const slaves = files.filter((staged) => this.#endOfFile(staged) === 'slave');
    const isLost = (staged: StagedTerminal): boolean => isHungUp(this.#infoOf(staged));
    for (const staged of slaves.filter((one) => !isLost(one))) this.#planSlave(stage, staged);
    this.#planHungUp(stage, slaves.filter(isLost));
    for (const info of this.#slaves) this.#planState(stage, info);
    this.planSession(stage.sequence, this.#root);
    for (const staged of files) {
      if (this.#endOfFile(staged) === 'own') this.#planOwn(stage, staged);
    }
    for (const info of this.#masters) this.#planMasterState(stage, info);
    for (const info of this.#slaves) {
      const slave = this.#slaveNumbers.get(numberOf(info));
      if (info.exclusive && slave !== undefined) {
        stage.run(`make ${nameOf(info)} exclusive`, SYS.ioctl, [slave, TTY.setExclusive]);
      }
    }
  }

  /** Gives the leader of a session its terminal, if it had one; its children inherit it. */
  planSession(sequence: Sequence, nsPid: NsPid): void {
    const info = this.#controlledBy(nsPid);
    if (!info) return;
    const args = [this.#slave(info), TTY.setControlling, NO_THEFT];
    sequence.syscall(`make ${nameOf(info)} the controlling terminal`, SYS.ioctl, args);
  }

  /** Puts the group that was in the foreground of a leader's terminal there again. */
  planForeground(sequence: Sequence, nsPid: NsPid): void {
    const info = this.#controlledBy(nsPid);
    if (!info || info.pgrp === 0) return;
    const group = this.#builder.data(int(info.pgrp));
    const what = `put group ${String(info.pgrp)} in the foreground of ${nameOf(info)}`;
    sequence.syscall(what, SYS.ioctl, [this.#slave(info), TTY.setForeground, group]);
  }

  #controlledBy(nsPid: NsPid): TtyInfoEntry | undefined {
    return this.#slaves.find(({ sid }) => sid === nsPid);
  }

  /** What the ends of a pair have not read, before anything of its modes is locked. */
  #planContent(stage: Stage, { id, termios, pty }: TtyInfoEntry, master?: number): void {
    if (!termios || !pty || master === undefined) return;
    const path = `${DEVPTS}/${String(pty.index)}`;
    const [input, output] = [id, this.#masterIdOf(pty.index)].map((end) => this.#content.get(end));
    planContent(stage, { path, master, termios, input, output });
  }

  #masterIdOf(index: number): number {
    return this.#masters.find((info) => numberOf(info) === index)?.id ?? -1;
  }

  #slave(info: TtyInfoEntry): number {
    return this.#slaveNumbers.get(numberOf(info)) ?? badImage(`${nameOf(info)} is not open`);
  }

  #nameOf({ regf_id: id }: TtyFileEntry): string {
    return id === undefined ? '' : bodyOf(this.#index.file(id), 'reg').name;
  }

  #infoOf({ entry: { tty_info_id: id } }: StagedTerminal): TtyInfoEntry {
    return this.#ttys.get(id) ?? badImage(`there is no terminal ${String(id)}`);
  }

  #endOfFile(staged: StagedTerminal): ReturnType<typeof endOf> {
    return endOf(this.#infoOf(staged));
  }

  #planMasters(stage: Stage, files: readonly StagedTerminal[]): void {
    const fillers: number[] = [];
    let next = this.#hasConsole ? 1 : 0;
    for (const info of this.#masters) {
      const mine = files.filter((staged) => this.#infoOf(staged) === info);
      const [only] = mine;
      if (!only || mine.length > 1) badImage(`${nameOf(info)} has not one master`);
      for (; next < numberOf(info); next++) {
        const number = stage.reserve();
        fillers.push(number);
        stage.openPath('pass over a terminal', number, only.name, { flags: O.rdwr | O.noctty });
      }
      next += 1;
      this.#open(stage, only, only.name);
      this.#masterNumbers.set(numberOf(info), only.number);
      this.#ioctl(stage, info, { number: only.number, request: TTY.setLock, value: int(0) });
    }
    for (const number of fillers) stage.close(number);
  }

  #planSlave(stage: Stage, staged: StagedTerminal): void {
    this.#open(stage, staged, staged.name);
    this.#slaveNumbers.set(numberOf(this.#infoOf(staged)), staged.number);
  }

  /** Opens them on a terminal whose master is then closed. */
  #planHungUp(stage: Stage, files: readonly StagedTerminal[]): void {
    if (files.length === 0) return;
    const what = 'open a terminal that was hung up';
    const master = stage.reserve();
    stage.openPath(what, master, `${DEVPTS}/ptmx`, { flags: O.rdwr | O.noctty });
    stage.run(what, SYS.ioctl, [master, TTY.setLock, stage.builder.data(int(0))]);
    for (const { entry, number } of files) {
      const flags = (entry.flags & REOPENABLE) | O.noctty | O.cloexec;
      stage.make(what, number, SYS.ioctl, [master, TTY.openSlave, flags]);
    }
    stage.close(master);
  }

  /** /dev/tty is the controlling terminal of its opener: here that is PID 1, which must not acquire another's. */
  #planOwn(stage: Stage, staged: StagedTerminal): void {
    const index = numberOf(this.#infoOf(staged));
    const mine = this.#controlledBy(this.#root);
    const isMine = mine !== undefined && numberOf(mine) === index;
    this.#open(stage, staged, isMine ? staged.name : `${DEVPTS}/${String(index)}`);
  }

  #open(stage: Stage, { entry, number }: StagedTerminal, name: string): void {
    checkPath(entry.id, name);
    const flags = (entry.flags & REOPENABLE) | O.noctty;
    stage.openPath(`open terminal ${name}`, number, name, { flags });
  }

  /** Modes, size and owner; those of a pair through its master, since its slave need not be open. */
  #planState(stage: Stage, info: TtyInfoEntry): void {
    const index = numberOf(info);
    const path = `${DEVPTS}/${String(index)}`;
    const what = `owner of ${path}`;
    const { uid = 0, gid = 0 } = info;
    const folders = new Folders(stage);
    const name = stage.builder.string(String(index));
    const at = [folders.open(info.id, DEVPTS), name];
    stage.run(what, SYS.fchownat, [...at, uid, gid, AT_SYMLINK_NOFOLLOW]);
    if (info.mvas_mode !== undefined) {
      stage.run(`mode of ${path}`, SYS.fchmodat, [...at, info.mvas_mode & 0o7777]);
    }
    folders.close();
    const master = this.#masterNumbers.get(index);
    if (!this.#slaveNumbers.has(index) && (master === undefined || info.sid !== 0)) {
      const number = stage.reserve();
      const flags = O.rdwr | O.noctty | O.nonblock;
      stage.openPath(`open terminal ${path}`, number, path, { flags });
      this.#slaveNumbers.set(index, number);
    }
    const number = master ?? this.#slave(info);
    const { termios, termios_locked: locked, winsize: size } = info;
    const set = (request: number, value: Uint8Array): void => {
      this.#ioctl(stage, info, { number, request, value });
    };
    if (termios) set(TTY.setModes, encodeTermios(termios));
    this.#planContent(stage, info, master);
    if (locked && hasLocks(locked)) set(TTY.setLockedModes, encodeTermios(locked));
    if (size) set(TTY.setWindowSize, encodeWindowSize(size));
  }

  #planMasterState(stage: Stage, info: TtyInfoEntry): void {
    const index = numberOf(info);
    const number = this.#masterNumbers.get(index) ?? badImage(`${nameOf(info)} is not open`);
    if (info.packet_mode) {
      this.#ioctl(stage, info, { number, request: TTY.setPacketMode, value: int(1) });
    }
    if (info.mvas_hung_up && !this.#slaveNumbers.has(index)) {
      const slave = stage.reserve();
      const name = `${DEVPTS}/${String(index)}`;
      stage.openPath(`open terminal ${name}`, slave, name, { flags: O.rdwr | O.noctty });
      stage.close(slave);
    }
    if (info.locked) this.#ioctl(stage, info, { number, request: TTY.setLock, value: int(1) });
  }

  #ioctl(
    stage: Stage,
    info: TtyInfoEntry,
    {
      number,
      request,
      value,
    }: { readonly number: number; readonly request: number; readonly value: Uint8Array },
  ): void {
    const args: Argument[] = [number, request, stage.builder.data(value)];
    stage.run(`set up ${nameOf(info)}`, SYS.ioctl, args);
  }
}

/** A new terminal has none, and only the host's root can lock modes. */
function hasLocks(locked: NonNullable<TtyInfoEntry['termios']>): boolean {
  return encodeTermios(locked).some((byte) => byte !== 0);
}

function nameOf(info: TtyInfoEntry): string {
  return `terminal ${DEVPTS}/${String(numberOf(info))}`;
}

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}
