// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asHostPid, type HostPid } from '../common/ids.js';
import { parseJson } from '../common/big-json.js';
import { ShimError } from '../common/errors.js';
import type { ProcessSpec } from '../criu/index.js';

/** A range of ids of a user namespace, and those of the host that it stands for. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** The parts of an OCI runtime spec that the shim looks at. */
export interface Spec {
  hostname?: string;
  domainname?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hooks?: Readonly<Record<string, unknown>>;
  readonly process?: ProcessSpec & {
    readonly terminal?: boolean;
    readonly args?: readonly string[];
  };
  readonly root?: { readonly path?: string };
  readonly mounts?: readonly { readonly destination: string; readonly type?: string }[];
  readonly linux?: {
    readonly cgroupsPath?: string;
    readonly maskedPaths?: readonly string[];
    readonly readonlyPaths?: readonly string[];
    readonly namespaces?: readonly { readonly type: string; readonly path?: string }[];
    readonly uidMappings?: readonly Partial<IdMapping>[] | null;
    readonly gidMappings?: readonly Partial<IdMapping>[] | null;
    readonly seccomp?: unknown;
  };
}

/** The id under which runc creates the surroundings of a container that is rolled back in place. */
export function donorOfRollback(id: string): string {
  return `${id}.mvas-rollback`;
}

/** Every path inside a bundle directory, and its small files. */
export class Bundle {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get config(): string {
    return join(this.path, 'config.json');
  }
  get rootfs(): string {
    return join(this.path, 'rootfs');
  }
  /** Where another root filesystem is mounted before it takes the place of the present one. */
  get newRootfs(): string {
    return join(this.path, 'rootfs.mvas');
  }
  get log(): string {
    return join(this.path, 'log');
  }
  /** The daemon's address, read by containerd 1.6 and 1.7 after a restart. */
  get address(): string {
    return join(this.path, 'address');
  }
  /** runc's log, in JSON lines. */
  get runcLog(): string {
    return join(this.path, 'log.json');
  }
  get initPid(): string {
    return join(this.path, 'init.pid');
  }
  /** How runc is called, for a `delete` after the daemon's death. */
  get options(): string {
    return join(this.path, 'options.json');
  }

  /** The pid file of an exec, which may be called `init`. */
  execPid(execId: string): string {
    return join(this.path, `exec-${execId}.pid`);
  }

  /** Where an exec's process spec is written for runc. */
  execSpec(execId: string): string {
    return join(this.path, `exec-${execId}.process.json`);
  }

  /** Reads the spec; to be written back only by formatJson. @throws ShimError `invalidArgument` */
  readSpec(): Spec {
    try {
      return checkSpec(parseJson(readFileSync(this.config, 'utf8')));
    } catch (cause) {
      throw new ShimError(
        'invalidArgument',
        `read spec ${this.config}: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          cause,
        },
      );
    }
  }

  /** Replaces a file of the bundle atomically, so that a reader sees the old or the new one. */
  write(path: string, content: string): void {
    const temporary = `${path}.tmp`;
    writeFileSync(temporary, content, { mode: 0o600 });
    renameSync(temporary, path);
  }
}

/** Members of {@link Spec} that are used, and what they must be; `null` counts as absent. */
const SHAPES: readonly (readonly [readonly string[], 'object' | 'array' | 'string'])[] = [
  [[], 'object'],
  [['annotations'], 'object'],
  [['root'], 'object'],
  [['root', 'path'], 'string'],
  [['mounts'], 'array'],
  [['linux'], 'object'],
  [['linux', 'cgroupsPath'], 'string'],
  [['linux', 'namespaces'], 'array'],
  [['linux', 'uidMappings'], 'array'],
  [['linux', 'gidMappings'], 'array'],
  [['linux', 'maskedPaths'], 'array'],
  [['linux', 'readonlyPaths'], 'array'],
];

/** Checks the shape of what the shim uses; the rest is for runc to judge. */
function checkSpec(spec: unknown): Spec {
  for (const [path, shape] of SHAPES) {
    const value = memberOf(spec, path);
    const isAbsent = value === undefined || value === null;
    const found = Array.isArray(value) ? 'array' : typeof value;
    if (isAbsent ? path.length === 0 : found !== shape) {
      throw new ShimError('invalidArgument', `${path.join('.') || 'it'} is not of type ${shape}`);
    }
  }
  return spec as Spec;
}

function memberOf(value: unknown, path: readonly string[]): unknown {
  return path.reduce((one, name) => (one as Record<string, unknown> | null)?.[name], value);
}

/**
 * The pid of a process that runc has created for us, from its pid file.
 *
 * @throws ShimError `internal` if the file contains none, or one that is not a child of ours
 */
export function readPidFile(path: string): HostPid {
  const pid = asHostPid(Number(readText(path)));
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    throw new ShimError('internal', `read pid file ${path}: runc has written no pid`);
  }
  // stat(5): the parent is the second word after the name.
  const parent = /^.*\) \S+ (\d+) /s.exec(readText(`/proc/${pid}/stat`))?.[1];
  if (Number(parent) !== process.pid) {
    throw new ShimError(
      'internal',
      `read pid file ${path}: pid ${pid} is not a child of this process`,
    );
  }
  return pid;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
