// SPDX-License-Identifier: Apache-2.0
import { closeSync, rmSync, rmdirSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { constants, getPriority, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate as betweenPolls } from 'node:timers/promises';
import { Mutex } from '../../common/mutex.js';
import { syscall } from '../../native/index.js';
import { SYS } from '../../native/sys.js';
import { listenAt } from '../group.js';
import { exitNow } from '../linux.js';
import { becomeDaemon } from './become.js';
import { Offspring } from './offspring.js';
import { VisibleArguments } from './visible-arguments.js';
import { WARM_UPS } from './warm-up.js';

/** The directory, locked by the launcher: as long as we live, no other standby is started in it. */
const LOCK_FD = 3;
/** A standby ends when it has not been used for this long and none of its daemons is alive. */
const IDLE_MS = Number(process.env['MVAS_STANDBY_IDLE_MS'] ?? 60_000);
/** What not every container needs is loaded when no daemon has been requested for this long. */
const WARM_UP_AFTER_MS = 300;

/**
 * The standby: a shim that has loaded everything, and forks a daemon whenever the launcher asks for one. A fork
 * takes milliseconds where a start of Node takes a hundred, and daemons share the memory that they do not change.
 * The standby never reads a request: only its forks do, one each.
 *
 * @param directory where its socket lies; removed when it ends
 */
export async function standBy(directory: string): Promise<void> {
  const title = new VisibleArguments();
  // Without this, Node would open its inspector on a TCP port, to every user of this host. Forks keep it, and add
  // what a daemon does.
  process.on('SIGUSR1', () => undefined);
  title.replace(['containerd-shim-mvas-v1', '-socket', directory, 'standby']);
  const server = await listenAt(join(directory, 'socket'));
  new Standby(directory, server, title).serve();
}

class Standby {
  readonly #directory: string;
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

  constructor(directory: string, server: Server, title: VisibleArguments) {
    this.#directory = directory;
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
      void becomeDaemon(connection, this.#title);
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
    for (const step of WARM_UPS) {
      await this.#turns.run(async () => {
        if (this.#isFork) return;
        setPriority(constants.priority.PRIORITY_LOW);
        await step(this.#directory).catch(() => undefined); // A daemon that needs it finds out why.
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
