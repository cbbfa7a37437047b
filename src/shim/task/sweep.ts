// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostPid } from '../../common/ids.js';
import { cgroupMounts } from '../../common/cgroup-places.js';
import { parseMountinfo } from '../../common/procfs/mountinfo.js';
import { directoriesOf, pidsIn } from '../../common/cgroup.js';
import { logger } from '../../common/log.js';
import type { Spec } from '../bundle.js';
import type { Runc } from '../runc/runc.js';

const log = logger('task');
const SWEEP_MS = 2_000;
const POLL_MS = 10;

/**
 * What a stopped or failed `runc create` may leave: its state, processes and cgroups. Created before it, to know
 * what was already there and is not its own.
 */
export class Leftovers {
  readonly #id: string;
  readonly #runc: Runc;
  readonly #isKnown: boolean;
  readonly #cgroups: readonly string[];

  constructor(id: string, runc: Runc, spec: Spec) {
    this.#id = id;
    this.#runc = runc;
    this.#isKnown = runc.knows(id);
    this.#cgroups = cgroupsOf(spec.linux?.cgroupsPath ?? '').filter((path) => !existsSync(path));
  }

  /** Removes what is left. Never throws. */
  async sweep(): Promise<void> {
    if (!this.#isKnown) {
      try {
        await this.#runc.delete(this.#id);
      } catch (error) {
        log.warn('runc does not delete what it left', { task: this.#id, error: String(error) });
      }
      rmSync(join(this.#runc.settings.root, this.#id), { recursive: true, force: true });
    }
    const end = performance.now() + SWEEP_MS;
    for (const directory of this.#cgroups) await remove(directory, end);
  }
}

/**
 * The places of a spec's cgroups, in each hierarchy. systemd's own form of the path (`slice:prefix:name`) is left
 * to systemd, which removes an empty scope.
 */
function cgroupsOf(path: string): string[] {
  if (!path.startsWith('/')) return [];
  const { v1, unified } = cgroupMounts(parseMountinfo(readFileSync('/proc/self/mountinfo')));
  const mounts = new Set([...v1.values(), ...(unified === undefined ? [] : [unified])]);
  return [...mounts]
    .map((mount) => [mount, join(mount, path)] as const)
    .filter(([mount, directory]) => directory.startsWith(`${mount}/`))
    .map(([, directory]) => directory);
}

/** Kills everything in a cgroup, and removes it; a dying process takes a moment. */
async function remove(directory: string, end: number): Promise<void> {
  while (!tryRemove(directory) && performance.now() < end) {
    for (const pid of pidsIn({ directory, version: 1 })) kill(pid);
    await delay(POLL_MS);
  }
}

function tryRemove(directory: string): boolean {
  try {
    for (const one of directoriesOf(directory).reverse()) rmdirSync(one);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function kill(pid: HostPid): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has exited meanwhile.
  }
}
