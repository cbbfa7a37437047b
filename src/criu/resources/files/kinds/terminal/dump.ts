// SPDX-License-Identifier: Apache-2.0
import { existsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { asNsPid, type NsPid } from '../../../../../common/ids.js';
import { syscall } from '../../../../../native/index.js';
import { closeFd, SYS } from '../../../../../native/sys.js';
import type { TtyFileEntry, TtyInfoEntry } from '../../../../image/types.js';
import { containerGroups } from '../../../../procfs/status.js';
import { IOCTL, O, POLL, REOPENABLE } from '../../../../../native/abi/index.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { dumpOwner } from '../../owner.js';
import { pathFileOf } from '../../path-file.js';
import { learnedKernel } from '../../../../../native/kernel/index.js';
import { dumpName } from '../regular/dump.js';
import { ioctlInt, openOwn, pollNow } from '../../system.js';
import { LOCAL, MOST_TAKEN } from './content.js';
import { readUnread, type Unread, type UnreadEnds } from './unread.js';
import {
  decodeTermios,
  decodeWindowSize,
  deviceOf,
  DEVPTS,
  emptyTermios,
  emptyWindowSize,
  slaveIndex,
  terminalEnd,
  TTY,
  type TerminalEnd,
} from './terminal.js';

/** The bind mount of a container's own terminal. */
const CONSOLE = '/dev/console';
const N_TTY = 0;
const UNREAD = 'has unread data; remedy: try again once it is read';

/** Stands for a session or group if there is none. */
const NOBODY = asNsPid(0);

/** A pseudo terminal that processes of the container use. */
interface Terminal {
  readonly index: number;
  /** Who refers to it, for refusals. */
  readonly where: string;
  master?: OpenFile;
  slave?: OpenFile;
  /** Undefined: it cannot be read. */
  unread?: UnreadEnds | undefined;
  /** The session that it controls, and that session's foreground group, by their container ids. */
  sid: NsPid;
  pgrp: NsPid;
}

/**
 * Dumps pseudo terminals: those of which the container has both ends, and its console, whose master the starter of
 * the container holds. Order of use: {@link dump} for each open file, {@link finish}.
 */
export class TerminalDumper {
  readonly #context: DumpContext;
  readonly #terminals = new Map<number, Terminal>();
  readonly #ids = new Map<string, number>();
  #hungUp: TtyInfoEntry | undefined;

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** An open file on a terminal; undefined if it was refused. */
  dump(file: OpenFile): TtyFileEntry | undefined {
    const end = terminalEnd(file.type, Number(file.stat.rdev));
    if (end === 'slave' && isHungUp(file)) return this.#dumpHungUp(file);
    const index = end && this.#indexOf(file, end);
    if (end === undefined || index === undefined) return undefined;
    const terminal = this.#terminal(index, file.where);
    if (end === 'master') terminal.master = file;
    else terminal.slave ??= file;
    const name = dumpName(this.#context, pathFileOf(this.#context, file));
    if (name === undefined) return undefined;
    return {
      id: file.id,
      tty_info_id: this.#infoId(end, index),
      flags: file.flags & (REOPENABLE | O.async),
      fown: dumpOwner(this.#context, file),
      regf_id: name,
    };
  }

  /** A terminal whose master is gone: nothing else is left of it. */
  #dumpHungUp(file: OpenFile): TtyFileEntry {
    const info = this.#hungUp ?? { ...this.#info('slave', 0), mvas_hung_up: true };
    if (!this.#hungUp) {
      info.id = this.#context.nextId();
      this.#context.image.ttys.push(info);
      this.#hungUp = info;
    }
    const { id, flags } = file;
    const fown = dumpOwner(this.#context, file);
    return { id, tty_info_id: info.id, flags: flags & (REOPENABLE | O.async), fown };
  }

  /** Describes the terminals, once all files are dumped. */
  finish(): void {
    this.#findSessions();
    for (const terminal of this.#terminals.values()) this.#describe(terminal);
  }

  #terminal(index: number, where: string): Terminal {
    let terminal = this.#terminals.get(index);
    if (!terminal)
      this.#terminals.set(index, (terminal = { index, where, sid: NOBODY, pgrp: NOBODY }));
    return terminal;
  }

  #infoId(end: TerminalEnd, index: number): number {
    const key = `${end} ${String(index)}`;
    let id = this.#ids.get(key);
    if (id === undefined) this.#ids.set(key, (id = this.#context.nextId()));
    return id;
  }

  #indexOf(file: OpenFile, end: TerminalEnd): number | undefined {
    const { refusals } = this.#context;
    const request = end === 'master' ? TTY.getNumber : TTY.getDevice;
    const value = ioctlInt(file.own, request);
    if (value === undefined) {
      refusals.add(file.where, `terminal ${file.link} was hung up; remedy: close it`);
      return undefined;
    }
    const index = end === 'master' ? value : slaveIndex(value);
    if (end !== 'slave' || file.stat.dev === this.#devpts()) return index;
    refusals.add(file.where, `terminal ${file.link} is not the container's; remedy: close it`);
    return undefined;
  }

  /** Device of the container's own devpts. */
  #devpts(): bigint | undefined {
    const path = `/proc/${String(this.#context.init.pid)}/root${DEVPTS}`;
    return statSync(path, { bigint: true, throwIfNoEntry: false })?.dev;
  }

  /** Which sessions have which terminals: proc_pid_stat(5) says it of each process. */
  #findSessions(): void {
    const { processes } = this.#context;
    const groups = new Map(
      processes.map(({ proc }) => {
        const status = proc.status();
        return [status.nsPgid[0], containerGroups(status).pgid];
      }),
    );
    for (const { proc, label } of processes) {
      const { ttyNr, tpgid } = proc.stat;
      if (ttyNr === 0) continue;
      const terminal = this.#terminal(slaveIndex(ttyNr), label);
      terminal.sid = containerGroups(proc.status()).sid;
      // A group whose last process is gone cannot be created again; nobody would notice.
      terminal.pgrp = groups.get(tpgid) ?? NOBODY;
    }
  }

  #describe(terminal: Terminal): void {
    const problem = this.#problem(terminal);
    if (problem !== undefined) {
      const what = `terminal ${DEVPTS}/${String(terminal.index)}`;
      this.#context.refusals.add(terminal.where, `${what} ${problem}`);
      return;
    }
    const { index, master } = terminal;
    const own = master?.own ?? openOwn(this.#path(index), O.rdwr | O.noctty | O.nonblock);
    try {
      this.#addInfos(terminal, own);
    } finally {
      if (!master) closeFd(own);
    }
  }

  #path(index: number): string {
    return `/proc/${String(this.#context.init.pid)}/root${DEVPTS}/${String(index)}`;
  }

  /** Without a console, the first terminal is that of an exec. */
  #hasConsole(): boolean {
    return [...this.#context.mounts.values()].some(({ mountPoint }) => mountPoint === CONSOLE);
  }

  #problem(terminal: Terminal): string | undefined {
    const { index, master } = terminal;
    if (!existsSync(this.#path(index))) return 'is not of the container; remedy: end its processes';
    if (!master) {
      const remedy = 'remedy: end its processes';
      return index === 0 && this.#hasConsole()
        ? undefined
        : `is neither the console nor the container's own; ${remedy}`;
    }
    if (ioctlInt(master.own, TTY.getDiscipline) !== N_TTY)
      return 'has a line discipline of its own; remedy: close it';
    terminal.unread = readUnread(master.own);
    return isKept(terminal, master) ? undefined : UNREAD;
  }

  #addInfos(terminal: Terminal, own: number): void {
    const { index, master, slave, sid, pgrp, unread } = terminal;
    const { ttys } = this.#context.image;
    // Not opened: opening it would make a master whose slave was never opened see its end.
    const { uid, gid, mode } = statSync(this.#path(index));
    const owner = { uid, gid, mvas_mode: mode & 0o7777 };
    const exclusive = flag(slave?.own ?? own, TTY.getExclusive);
    ttys.push({ ...this.#info('slave', index), ...modesOf(own), ...owner, exclusive, sid, pgrp });
    if (master) {
      ttys.push({
        ...this.#info('master', index),
        locked: flag(master.own, TTY.getLock),
        packet_mode: flag(master.own, TTY.getPacketMode),
        mvas_hung_up: (pollNow(master.own, POLL.hup) & POLL.hup) !== 0,
      });
    }
    this.#addUnread('slave', index, unread?.slave);
    this.#addUnread('master', index, unread?.master);
    if (this.#ids.has(`own ${String(index)}`)) {
      ttys.push({ ...this.#info('own', index), type: 'CTTY' });
    }
  }

  #addUnread(end: TerminalEnd, index: number, unread: Unread | undefined): void {
    if (unread) this.#context.image.ttyData.push({ tty_id: this.#infoId(end, index), ...unread });
  }

  #info(end: TerminalEnd, index: number): TtyInfoEntry {
    return {
      id: this.#infoId(end, index),
      type: 'PTY',
      locked: false,
      exclusive: false,
      packet_mode: false,
      sid: NOBODY,
      pgrp: NOBODY,
      rdev: deviceOf(end, index),
      pty: { index },
    };
  }
}

/** Whether all that waits in a terminal can be put back. */
function isKept({ slave, unread }: Terminal, master: OpenFile): boolean {
  if (!unread) return !learnedKernel() && ![master, slave].some((one) => one && hasUnread(one));
  // To put something in, the slave is opened, which its master would notice if nobody ever had.
  const isFresh = !slave && (pollNow(master.own, POLL.hup) & POLL.hup) === 0;
  const length = unread.master?.data.length ?? 0;
  const isExternal = ((modesOf(master.own).termios?.c_lflag ?? 0) & LOCAL.external) !== 0;
  return (
    !(unread.slave && (isFresh || isExternal)) && (slave !== undefined || length <= MOST_TAKEN)
  );
}

function hasUnread({ own }: OpenFile): boolean {
  return (ioctlInt(own, IOCTL.fionread) ?? 0) > 0;
}

/** Modes and size, which both ends of a pair report of the slave. */
function modesOf(own: number): Pick<TtyInfoEntry, 'termios' | 'termios_locked' | 'winsize'> {
  const [modes, locked, size] = [emptyTermios(), emptyTermios(), emptyWindowSize()];
  syscall(SYS.ioctl, own, TTY.getModes, modes);
  syscall(SYS.ioctl, own, TTY.getLockedModes, locked);
  syscall(SYS.ioctl, own, TTY.getWindowSize, size);
  return {
    termios: decodeTermios(modes),
    termios_locked: decodeTermios(locked),
    winsize: decodeWindowSize(size),
  };
}

/** Every request fails then (drivers/tty/tty_io.c, hung_up_tty_ioctl). */
function isHungUp({ own }: OpenFile): boolean {
  return syscall(SYS.ioctl, own, TTY.getDevice, new Uint8Array(8)) === -constants.errno.EIO;
}

function flag(own: number, request: number): boolean {
  return (ioctlInt(own, request) ?? 0) !== 0;
}
