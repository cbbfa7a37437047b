// SPDX-License-Identifier: Apache-2.0
import { closeSync, rmSync, rmdirSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { constants, getPriority, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate as betweenPolls } from 'node:timers/promises';
import { listenAt } from '../common/listen-at.js';
import { Mutex } from '../common/mutex.js';
import { syscall } from '../native/index.js';
import { exitNow, SYS } from '../native/sys.js';
import { Offspring } from './offspring.js';
import { VisibleArguments } from './visible-arguments.js';

/** The directory, locked by the launcher: as long as we live, no other standby is started in it. */
const LOCK_FD = 3;
/** A standby ends when it has not been used for this long and none of its forks is alive. */
const IDLE_MS = Number(process.env['MVAS_STANDBY_IDLE_MS'] ?? 60_000);
/** It warms up when no fork has been requested for this long. */
const WARM_UP_AFTER_MS = 300;

/** What a standby is for. */
export interface Purpose {
  /** Its arguments, as others see them. */
  readonly words: readonly string[];
  /** In a fork: does what a launcher asks for. Never rejects. */
  become(connection: Socket, title: VisibleArguments): Promise<void>;
  /**
   * What it does in advance while it is idle, for forks to find done; each item is a short step, after which nothing
   * is in progress. `directory` is the standby's.
   */
  readonly warmUps: readonly ((directory: string) => Promise<unknown>)[];
}

/**
 * The standby: a process that has loaded everything, and forks whenever a launcher asks for it. A fork
 * takes milliseconds where a start of Node takes a hundred, and forks share the memory that they do not change.
 * The standby never reads a request: only its forks do, one each.
 *
 * @param directory where its socket lies; removed when it ends
 */
export async function standBy(directory: string, purpose: Purpose): Promise<void> {
  const title = new VisibleArguments();
  // Without this, Node would open its inspector on a TCP port, to every user of this host. Forks keep it,
  // and may add to it.
  process.on('SIGUSR1', () => undefined);
  title.replace(purpose.words);
  const server = await listenAt(join(directory, 'socket'));
  new Standby(directory, purpose, server, title).serve();
}

class Standby {
  readonly #directory: string;
  readonly #purpose: Purpose;
  readonly #server: Server;
  readonly #title: VisibleArguments;
  readonly #waiting = new Set<Socket>();
  /** Nothing is in progress while a fork is made. */
  readonly #turns = new Mutex();
  readonly #offspring = new Offspring();
  readonly #idle: NodeJS.Timeout;
  readonly #warmUp: NodeJS.Timeout;
  #isFork = false;
  readonly #leave = (): void => {
    rmSync(join(this.#directory, 'socket'), { force: true });
    for (const path of [this.#directory, dirname(this.#directory)]) removeIfEmpty(path);
    exitNow(0);
  };

  constructor(directory: string, purpose: Purpose, server: Server, title: VisibleArguments) {
    this.#directory = directory;
    this.#purpose = purpose;
    this.#server = server;
    this.#title = title;
    this.#idle = setTimeout(() => {
      if (this.#offspring.isAlive()) this.#idle.refresh();
      else this.#leave();
    }, IDLE_MS);
    this.#warmUp = setTimeout(() => void this.#warm(), WARM_UP_AFTER_MS);
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
    this.#isFork = this.#offspring.fork();
    this.#waiting.delete(connection);
    if (this.#isFork) {
      this.#forget();
      void this.#purpose.become(connection, this.#title);
    } else {
      connection.destroy();
    }
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
    for (const other of this.#waiting) other.destroy();
    closeSync(LOCK_FD);
  }

  /** With low priority, and step by step, so that forks can be made in between. */
  async #warm(): Promise<void> {
    const priority = getPriority();
    clearTimeout(this.#warmUp);
    for (const step of this.#purpose.warmUps) {
      await this.#turns.run(async () => {
        if (this.#isFork) return;
        setPriority(constants.priority.PRIORITY_LOW);
        await step(this.#directory).catch(() => undefined); // A fork that needs it finds out why.
        setPriority(priority);
      });
    }
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Another standby lives there.
  }
}
