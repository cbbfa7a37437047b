// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShimError } from '../common/errors.js';

/** The parts of an OCI runtime spec that the shim looks at. */
export interface Spec {
  hostname?: string;
  domainname?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hooks?: Readonly<Record<string, unknown>>;
  readonly process?: { readonly terminal?: boolean };
  readonly root?: { readonly path?: string };
  readonly mounts?: readonly { readonly destination: string; readonly type?: string }[];
  readonly linux?: {
    readonly cgroupsPath?: string;
    readonly maskedPaths?: readonly string[];
    readonly readonlyPaths?: readonly string[];
    readonly namespaces?: readonly { readonly type: string; readonly path?: string }[];
  };
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
  /** How runc is called, for `delete` after the daemon's death. */
  get options(): string {
    return join(this.path, 'options.json');
  }

  /** The pid file of an exec. */
  execPid(execId: string): string {
    return join(this.path, `${execId}.pid`);
  }

  /** Where an exec's process spec is put for runc. */
  execSpec(execId: string): string {
    return join(this.path, `${execId}.process.json`);
  }

  /** Reads the spec. @throws ShimError `invalidArgument` */
  readSpec(): Spec {
    try {
      return JSON.parse(readFileSync(this.config, 'utf8')) as Spec;
    } catch (cause) {
      throw new ShimError('invalidArgument', `read spec ${this.config}: ${String(cause)}`, {
        cause,
      });
    }
  }

  /** Replaces a file of the bundle at once, so that a reader sees the old or the new one. */
  write(path: string, content: string): void {
    const temporary = `${path}.tmp`;
    writeFileSync(temporary, content, { mode: 0o600 });
    renameSync(temporary, path);
  }
}

/** Reads a pid file of runc. @throws ShimError `internal` when it holds no pid */
export function readPidFile(path: string): number {
  const pid = Number(readFileSync(path, 'utf8'));
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    throw new ShimError('internal', `read pid file ${path}: no pid in it`);
  }
  return pid;
}
