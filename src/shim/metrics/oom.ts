// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logger } from '../../common/log.js';
import type { ContainerCgroup } from './container-cgroup.js';
import { openEventFd } from './event-fd.js';
import { readKeyed } from './files.js';

const log = logger('oom');

/**
 * On v1 the kernel signals before it kills (mm/memcontrol-v1.c, mem_cgroup_oom_notify): the count is read until it
 * has grown, after each of these delays in milliseconds.
 */
const LOOKS_MS = [0, 10, 50, 250, 1_000];

/** Watches one container for processes that the kernel kills for lack of memory. */
export class OomWatch {
  readonly #directory: string;
  readonly #file: string;
  readonly #tell: () => void;
  readonly #looks: NodeJS.Timeout[] = [];
  #stop: () => void = () => undefined;
  #told: bigint;

  private constructor(directory: string, file: string, tell: () => void) {
    this.#directory = directory;
    this.#file = file;
    this.#tell = tell;
    this.#told = this.#count();
  }

  /**
   * Starts a watch: `tell` is called whenever the count of kills has grown. If the kernel refuses to signal, only
   * {@link check} notices. The caller closes it.
   */
  static start(cgroup: ContainerCgroup, tell: () => void): OomWatch | undefined {
    const v1 = cgroup.version === 1;
    const directory = v1 ? cgroup.directories.get('memory') : cgroup.directory;
    if (directory === undefined) return undefined;
    const oom = new OomWatch(directory, v1 ? 'memory.oom_control' : 'memory.events', tell);
    try {
      oom.#stop = v1 ? oom.#signalledV1() : oom.#signalledV2();
    } catch (error) {
      log.warn('no signal when memory runs out', { directory, error: String(error) });
    }
    return oom;
  }

  /** Reads the count now: when this returns, all kills up to now have been reported. */
  check(): void {
    const count = this.#count();
    if (count <= this.#told) return;
    this.#told = count;
    this.#tell();
  }

  close(): void {
    this.#stop();
    this.#stop = () => undefined;
    this.#forgetLooks();
  }

  #count(): bigint {
    return readKeyed(this.#directory, this.#file)('oom_kill');
  }

  /** An eventfd on memory.oom_control (kernel, Documentation/admin-guide/cgroup-v1/memory.rst, 9 and 10). */
  #signalledV1(): () => void {
    const event = openEventFd(() => {
      this.#look();
    });
    try {
      const control = openSync(join(this.#directory, this.#file), 'r');
      try {
        const line = `${event.fd} ${control}`;
        writeFileSync(join(this.#directory, 'cgroup.event_control'), line);
      } finally {
        closeSync(control);
      }
    } catch (error) {
      event.close();
      throw error;
    }
    return () => {
      event.close();
    };
  }

  /** inotify(7) reports a change of memory.events. */
  #signalledV2(): () => void {
    const watcher = watch(join(this.#directory, this.#file), { persistent: false }, () => {
      this.check();
    });
    watcher.on('error', (error) => {
      log.debug('watch ended', { directory: this.#directory, error: error.message });
    });
    return () => {
      watcher.close();
    };
  }

  #look(): void {
    this.#forgetLooks();
    for (const ms of LOOKS_MS) {
      const timer = setTimeout(() => {
        this.check();
      }, ms);
      this.#looks.push(timer.unref());
    }
  }

  #forgetLooks(): void {
    for (const timer of this.#looks.splice(0)) clearTimeout(timer);
  }
}
