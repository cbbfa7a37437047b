// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { formatJson } from '../../common/big-json.js';
import { readConfig } from '../../common/config.js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { podNamespaceOf } from '../../common/pod-namespace.js';
import type { Spec } from '../bundle.js';
import type { OutputWatch } from '../io/copy.js';
import { fileAppears } from './file-wait.js';
import { listens, type Look } from './port-wait.js';
import type { Surroundings } from './ports.js';
import { WHEN, type When } from './when.js';

const log = logger('task');

/** How often the container is looked at: less and less. */
const FIRST_MS = 50;
const MOST_MS = 1000;
const SLOWER = 1.2;
/** A snapshot that nobody has asked for ends when no container has begun from it for that long. */
const TTL = '7d';
/** Digits of the digest in a name. */
const DIGITS = 32;

/** Members of a spec that have to be the same, since a restore takes them from the snapshot or compares them. */
const SAME_PROCESS = [
  ...['args', 'user', 'cwd', 'terminal', 'capabilities', 'noNewPrivileges', 'rlimits'],
  ...['apparmorProfile', 'selinuxLabel'],
];

/**
 * The name of the snapshot from which containers of a spec start: the same for those with the same image, command and
 * annotation, and whatever else a restore needs to be the same. Pure.
 *
 * @param layers of the image, as directories of this host
 */
export function ownName(spec: Spec, layers: readonly string[]): string {
  const { process = {}, linux = {}, mounts = [], annotations = {} } = spec;
  const same = {
    layers,
    pod: podNamespaceOf(spec),
    when: annotations[WHEN],
    process: pick(process, SAME_PROCESS),
    seccomp: linux.seccomp ?? null,
    ids: [linux.uidMappings, linux.gidMappings].map(insideIds),
    namespaces: (linux.namespaces ?? []).map(({ type, path = '' }) => [type, path !== '']),
    mounts: mounts.map(({ destination, type = '' }) => [destination, type]),
  };
  const digest = createHash('sha256').update(formatJson(same)).digest('hex');
  return `when-${digest.slice(0, DIGITS)}`;
}

/** The ids of a container, whatever the host calls them: pods with a user namespace each have others there. */
function insideIds(maps: readonly object[] | null | undefined): readonly unknown[] {
  return (maps ?? []).map((one) => pick(one, ['containerID', 'size']));
}

function pick(from: object, names: readonly string[]): unknown {
  const members = from as Readonly<Record<string, unknown>>;
  return names.map((name) => members[name] ?? null);
}

/** What a container's own snapshot needs to be taken. */
export interface OwnSnapshotParts {
  readonly containerId: string;
  readonly when: When;
  readonly name: string;
  /** Whether its container says how long it lives. */
  readonly hasTtl: boolean;
  /** Whether one of the name is in the way, which cannot be restored. */
  readonly isSpent: boolean;
  readonly surroundings: Surroundings;
}

/**
 * Takes a snapshot of a container once, when what it waits for is there, by the command `mvas`, as anybody else would.
 * Whatever fails is logged, and does no harm to the container.
 */
export class OwnSnapshot {
  readonly #parts: OwnSnapshotParts;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #look: (() => Look) | undefined;
  #isHeard = false;
  #isTaken = false;

  constructor(parts: OwnSnapshotParts) {
    this.#parts = parts;
  }

  /** What to look for in the container's output. */
  get watch(): OutputWatch | undefined {
    const { when } = this.#parts;
    if (when.kind !== 'log') return undefined;
    const heard = (): void => {
      this.#isHeard = true;
      this.#takeIfReady();
    };
    return { text: when.text, heard };
  }

  /** The container runs. `look`: its processes now. */
  started(look: () => Look): void {
    const { when } = this.#parts;
    this.#look = look;
    this.#takeIfReady();
    if (when.kind === 'port') this.#lookAfter(FIRST_MS, when.port, look);
    if (when.kind === 'file') void this.#awaitFile(when.path, look);
  }

  /** The container has ended, or is about to. May be called repeatedly. */
  stop(): void {
    this.#isTaken = true;
    clearTimeout(this.#timer);
    const { containerId } = this.#parts;
    this.#abort.abort(new ShimError('aborted', `task ${containerId} has ended`));
  }

  #lookAfter(ms: number, port: number, look: () => Look): void {
    this.#timer = setTimeout(() => {
      if (listens(port, look())) void this.#take();
      else this.#lookAfter(Math.min(ms * SLOWER, MOST_MS), port, look);
    }, ms);
  }

  async #awaitFile(path: string, look: () => Look): Promise<void> {
    const { signal } = this.#abort;
    try {
      if (await fileAppears(path, () => look().initPid, signal)) await this.#take();
    } catch (error) {
      this.#warn(error);
    }
  }

  #takeIfReady(): void {
    if (this.#isHeard && this.#look) void this.#take();
  }

  async #take(): Promise<void> {
    if (this.#isTaken) return;
    this.#isTaken = true;
    const { containerId: task, name, isSpent, surroundings } = this.#parts;
    try {
      const { engine } = surroundings;
      const { signal } = this.#abort;
      if (isSpent) await engine.runMvas(['rm', name], signal);
      const snapshot = await engine.runMvas(this.#command(), signal);
      log.info('later starts of its like begin from a snapshot', { task, name, snapshot });
    } catch (error) {
      this.#warn(this.#abort.signal.reason ?? error);
    }
  }

  #warn(error: unknown): void {
    const { containerId: task, name } = this.#parts;
    const { message: reason } = ShimError.from(error);
    log.warn('no snapshot for later starts', { task, name, reason });
  }

  #command(): readonly string[] {
    const { containerId, name, hasTtl, surroundings } = this.#parts;
    const { namespace, address = '' } = surroundings;
    const isKept = hasTtl || readConfig().vas.ttlMs !== undefined;
    const place = ['--address', address, '--namespace', namespace];
    return ['snapshot', '--name', name, ...(isKept ? [] : ['--ttl', TTL]), ...place, containerId];
  }
}
