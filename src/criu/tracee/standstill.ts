// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import type { Tracer } from '../../native/index.js';
import { printable } from '../../common/bytes.js';
import { readMountinfo } from '../procfs/reader.js';
import { mountOf } from '../resources/files/names/container-path.js';
import type { LookAt } from './tracee.js';

/** How long a look at something of a stopped container may take. */
const LIMIT_MS = 10_000;
const BEAT_MS = 1_000;

/** A stopped container has been let go because a look at it hung. */
export class LetGo extends ShimError {}

/**
 * The standstill of a container. A process of it may serve what the engine looks at: files of a FUSE mount, and
 * pages of such files. Such a look hangs, and this thread with it, until the server goes on. So the tracing process
 * lets the container go if it no longer hears from this thread. The look then ends, and at the next one, or at
 * {@link check}, so does the checkpoint.
 */
export class Standstill {
  readonly #tracer: Pick<Tracer, 'watch'>;
  readonly #initPid: HostPid;
  readonly #timer: NodeJS.Timeout;
  #what = 'a system call in a process of the container';
  #path: string | undefined;
  #reason: LetGo | undefined;
  #hasEnded = false;

  constructor(tracer: Pick<Tracer, 'watch'>, initPid: HostPid) {
    this.#tracer = tracer;
    this.#initPid = initPid;
    this.#timer = setInterval(() => tracer.watch(LIMIT_MS), BEAT_MS).unref();
    tracer.watch(LIMIT_MS);
  }

  /** @throws ShimError `failedPrecondition` if the previous look hung */
  readonly lookAt: LookAt = (what, path) => {
    this.check();
    this.#what = what;
    this.#path = path;
  };

  /** Why the container has been let go early. */
  get reason(): LetGo | undefined {
    this.#notice();
    return this.#reason;
  }

  /** @throws ShimError `failedPrecondition` if the container no longer stands still */
  check(): void {
    const { reason } = this;
    if (reason) throw reason;
  }

  /** The container may go. */
  end(): void {
    clearInterval(this.#timer);
    this.#notice();
    this.#hasEnded = true;
    this.#tracer.watch(0);
  }

  #notice(): void {
    if (!this.#hasEnded && !this.#tracer.watch(LIMIT_MS)) this.#reason ??= this.#explain();
  }

  #explain(): LetGo {
    const path = this.#path ?? '';
    const file = path === '' || this.#what.endsWith(` ${path}`) ? [] : [path];
    const details = [...file, ...this.#mountOf(path)].join(', ');
    const what = `has not answered for ${String(LIMIT_MS / 1000)} s`;
    const why = 'a process of the container, which stood still, may serve it (FUSE)';
    const remedy = 'remedy: close and unmount it, or serve it from outside of the container';
    const which = details === '' ? this.#what : `${this.#what} (${details})`;
    return new LetGo('failedPrecondition', printable(`${which}: ${what}: ${why}; ${remedy}`));
  }

  /** In words; empty for the root, where what is mounted no longer seems to exist. */
  #mountOf(path: string): string[] {
    try {
      const mount = mountOf(readMountinfo(this.#initPid), path);
      if (!mount || mount.mountPoint === '/') return [];
      return [`mount ${mount.mountPoint} (${mount.fsType})`];
    } catch {
      return []; // The container has ended.
    }
  }
}
