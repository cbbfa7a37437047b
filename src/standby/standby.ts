// SPDX-License-Identifier: Apache-2.0
import { closeSync, statSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as betweenPolls } from 'node:timers/promises';
import { listenAt } from '../common/listen-at.js';
import { ownPid, type HostPid } from '../common/ids.js';
import { Mutex } from '../common/mutex.js';
import { syscall } from '../native/index.js';
import { exitNow, SYS } from '../native/sys.js';
import { isSame, removeAbandoned, removeDirectory, removeIfAbandoned } from './directory.js';
import { finishSweeping } from '../common/old-space.js';
import { makeLine, openLine } from './line.js';
import { receivePages, sendPages } from './page-survey.js';
import { Offspring } from './offspring.js';
import { connectionFor, Spare } from './spare.js';
import { warmUp, type WarmUp } from './warm-up.js';
import { VisibleArguments } from './visible-arguments.js';
import type { Ranges } from './written-pages.js';

/** The directory, locked by the launcher: as long as we live, no other standby is started in it. */
const LOCK_FD = 3;
/** A standby ends when it has not been used for this long and none of its forks is alive. */
const IDLE_MS = Number(process.env['MVAS_STANDBY_IDLE_MS'] ?? 60_000);
/** How many warm-ups are made, one after the other; default: all. */
const WARM_UPS = Number(process.env['MVAS_STANDBY_WARM_UP'] ?? Infinity);
/** Its heir warms up when no fork has been requested for this long. */
const WARM_UP_AFTER_MS = 300;
/** One that has warmed up makes its next spare after this long. */
const SPARE_AFTER_MS = 50;
/** How long it serves connections that were made before its heir had a socket. */
const DRAIN_MS = 200;

/** The standby never reads a request: whoever takes the connection over finds all of it. */
const UNREAD = { pauseOnConnect: true };

/** What a standby is for. */
export interface Purpose {
  /** Its arguments, as others see them. */
  readonly words: readonly string[];
  /** In a fork: does what a launcher asks for. Never rejects. */
  become(connection: Socket, title: VisibleArguments): Promise<void>;
  /**
   * What is done in advance, for forks to find done: by an heir, which takes the place of the standby after the first
   * item, by the heir of that after the second, and so on.
   */
  readonly warmUps: readonly (readonly WarmUp[])[];
  /** The arguments of a fork that waits for its connection. */
  readonly spareWords: readonly string[];
  /** What all forks do, as far as it can be done in advance: what they will write to is found out by it. */
  readonly usual: readonly WarmUp[];
}

/**
 * The standby: a process that has loaded everything, and forks whenever a launcher asks for it. A fork
 * takes milliseconds where a start of Node takes a hundred, and forks share the memory that they do not change.
 * The standby never reads a request: only its forks do, one each. One more fork is its heir, which warms up while the
 * standby goes on, and then takes its place: nobody waits for a warm-up. The last one makes a spare, a fork for the next
 * connection, whose memory has been copied already where forks write to it.
 *
 * @param directory where its socket lies; removed when it ends. Those beside it that killed standbys have left are removed at once
 */
export async function standBy(directory: string, purpose: Purpose): Promise<void> {
  const title = new VisibleArguments();
  // Without this, Node would open its inspector on a TCP port, to every user of this host. Forks keep it,
  // and may add to it.
  process.on('SIGUSR1', () => undefined);
  title.replace(purpose.words);
  const estate = { directory, purpose, title, offspring: new Offspring(), generation: 0 };
  new Standby(estate, await listenAt(join(directory, 'socket'), UNREAD)).serve();
  removeAbandoned(directory);
}

/** What a standby leaves to its heir. */
interface Estate {
  readonly directory: string;
  readonly purpose: Purpose;
  readonly title: VisibleArguments;
  readonly offspring: Offspring;
  /** How many warm-ups have been made. */
  readonly generation: number;
}

/** The warm-ups that its heir will make, if it needs one. */
function nextOf({ purpose, generation }: Estate): readonly WarmUp[] | undefined {
  return generation < WARM_UPS ? purpose.warmUps[generation] : undefined;
}

/** The inode of the socket that launchers find. */
function socketIn(directory: string): number | undefined {
  return statSync(join(directory, 'socket'), { throwIfNoEntry: false })?.ino;
}

class Standby {
  readonly #estate: Estate;
  readonly #server: Server;
  readonly #waiting = new Set<Socket>();
  /** Nothing is in progress while a fork is made. */
  readonly #turns = new Mutex();
  readonly #idle: NodeJS.Timeout;
  readonly #warmUp: NodeJS.Timeout;
  /** One that has been killed is not replaced. */
  #heir: 'none' | 'warming up' | 'gone' = 'none';
  /** To the heir, or to the fork that finds out what forks write to. */
  #line: Socket | undefined;
  #pages: Ranges | undefined;
  #spare: Spare | undefined;
  #isFork = false;
  /** Which socket is its own. */
  readonly #socket: number | undefined;
  readonly #leave = (): void => {
    const { directory } = this.#estate;
    // Else it is the heir's, even if we have not heard of that yet.
    if (socketIn(directory) === this.#socket) removeDirectory(directory, LOCK_FD);
    exitNow(0);
  };

  constructor(estate: Estate, server: Server) {
    this.#estate = estate;
    this.#server = server;
    this.#socket = socketIn(estate.directory);
    this.#idle = setTimeout(() => {
      if (this.#heir === 'warming up' || estate.offspring.isAlive()) this.#idle.refresh();
      else this.#leave();
    }, IDLE_MS);
    const isWarm = nextOf(estate) === undefined;
    this.#warmUp = setTimeout(
      () => void this.#turns.run(() => this.#prepare()),
      isWarm ? SPARE_AFTER_MS : WARM_UP_AFTER_MS,
    );
  }

  serve(): void {
    process.on('SIGTERM', this.#leave);
    process.on('SIGINT', this.#leave);
    this.#server.on('connection', (connection) => {
      this.#idle.refresh();
      this.#warmUp.refresh();
      this.#waiting.add(connection);
      void this.#turns.run(() => this.#fork(connection));
    });
  }

  /** Leaves a connection to a fork. If there can be none, the launcher sees it closed. */
  async #fork(connection: Socket): Promise<void> {
    await betweenPolls();
    if (this.#isFork) return; // The original has this one.
    if (await this.#takeSpare(connection)) return;
    this.#isFork = this.#estate.offspring.fork();
    this.#waiting.delete(connection);
    if (this.#isFork) {
      this.#forget();
      closeSync(LOCK_FD);
      void this.#estate.purpose.become(connection, this.#estate.title);
    } else {
      connection.destroy();
    }
  }

  /** Whether there was a fork for the connection already. */
  async #takeSpare(connection: Socket): Promise<boolean> {
    const spare = this.#spare;
    if (!spare?.isReady) return false;
    this.#spare = undefined;
    if (await spare.take(connection)) {
      this.#waiting.delete(connection);
      connection.destroy();
      return true;
    }
    await betweenPolls(); // As before any fork.
    return false;
  }

  /** In a fork: gives up everything that belongs to the standby. */
  #forget(): void {
    Object.defineProperty(process, 'pid', { value: syscall(SYS.getpid) });
    // Node would wait for its threads, which a fork does not have.
    process.on('exit', (status) => exitNow(status));
    clearTimeout(this.#idle);
    clearTimeout(this.#warmUp);
    process.removeListener('SIGTERM', this.#leave);
    process.removeListener('SIGINT', this.#leave);
    this.#server.close();
    this.#line?.destroy();
    this.#spare?.forget();
    for (const other of this.#waiting) other.destroy();
  }

  /** While nobody asks for a fork: makes the next preparation. */
  async #prepare(): Promise<void> {
    if (WARM_UPS === 0 || this.#isFork || this.#line || this.#spare) return;
    await betweenPolls();
    const warmUps = nextOf(this.#estate);
    if (warmUps) {
      this.#raiseHeir(warmUps);
      return;
    }
    finishSweeping();
    if (this.#pages) this.#makeSpare(this.#pages);
    else this.#findPages();
  }

  /** Leaves what is to be done in advance to a fork, which then serves in our place. */
  #raiseHeir(warmUps: readonly WarmUp[]): void {
    const line = this.#forkOther((end) => inherit(this.#estate, warmUps, end));
    if (line === undefined) return;
    this.#heir = 'warming up';
    this.#line = openLine(line, {
      onReady: () => {
        this.#retire();
      },
      onEnd: () => {
        this.#heir = 'gone';
      },
    });
  }

  /** Has a fork find out what forks write to. */
  #findPages(): void {
    const line = this.#forkOther((end) => tellPages(this.#estate, end));
    if (line === undefined) return;
    this.#line = receivePages(line, (pages) => {
      this.#line = undefined;
      if (pages.length === 0) return; // The fork has failed. Another one is made after the next connection.
      this.#pages = pages;
      this.#warmUp.refresh();
    });
  }

  #makeSpare(pages: Ranges): void {
    const standby = ownPid();
    const line = this.#forkOther((end) => becomeSpare(this.#estate, { line: end, standby, pages }));
    if (line === undefined) return;
    const spare = new Spare(line, () => {
      if (this.#spare === spare) this.#spare = undefined;
    });
    this.#spare = spare;
  }

  /** Forks, but not for a connection; returns our end of a line to the fork, or undefined in the fork. */
  #forkOther(work: (line: number) => Promise<void>): number | undefined {
    const [ours, theirs] = makeLine();
    this.#isFork = this.#estate.offspring.forkOther();
    closeSync(this.#isFork ? ours : theirs);
    if (!this.#isFork) return ours;
    this.#forget();
    void work(theirs);
    return undefined;
  }

  /** The heir has a socket of its own: serves who is connected already, and ends. */
  #retire(): void {
    clearTimeout(this.#idle);
    const end = async (): Promise<void> => {
      await betweenPolls();
      if (!this.#isFork) exitNow(0);
    };
    setTimeout(() => void this.#turns.run(end), DRAIN_MS);
  }
}

/** In an heir: warms up, and takes the place of the original, unless that has ended. */
async function inherit(estate: Estate, warmUps: readonly WarmUp[], fd: number): Promise<void> {
  const { directory, generation } = estate;
  let isReady = false;
  const end = (): void => {
    if (isReady) return;
    removeDirectory(directory, LOCK_FD); // Still there if the original was killed.
    removeIfAbandoned(directory);
    exitNow(0);
  };
  const line = openLine(fd, { onReady: () => undefined, onEnd: end });
  await warmUp(warmUps, directory);
  await betweenPolls(); // To hear of an end meanwhile.
  await betweenPolls();
  try {
    if (!isSame(directory, LOCK_FD)) end(); // A warm-up has made it again.
    const server = await listenAt(join(directory, 'socket'), UNREAD);
    isReady = true;
    new Standby({ ...estate, generation: generation + 1 }, server).serve();
    line.end('ready');
  } catch {
    exitNow(1); // The original has left, and its directory is gone.
  }
}

/** In a fork: tells what forks write to, and ends. */
async function tellPages({ purpose, title, directory }: Estate, line: number): Promise<void> {
  leaveStandby(purpose, title);
  await sendPages(line, purpose.usual, directory);
}

/** In a spare: waits for its connection, and becomes what it is for. */
async function becomeSpare(
  { purpose, title, offspring }: Estate,
  { line, ...memory }: { readonly line: number; readonly standby: HostPid; readonly pages: Ranges },
): Promise<void> {
  try {
    leaveStandby(purpose, title);
    const connection = await connectionFor(line, memory);
    offspring.join();
    void purpose.become(connection, title);
  } catch {
    exitNow(1);
  }
}

function leaveStandby({ spareWords }: Purpose, title: VisibleArguments): void {
  closeSync(LOCK_FD);
  title.replace(spareWords);
}
