// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShimError } from '../../src/common/errors.js';
import { REPOSITORY } from './paths.js';

const SOURCE = join(REPOSITORY, 'test/helpers/pause.c');
const START_MS = 10_000;
let built: string | undefined;

/** A pid namespace that containers can share. Its PID 1 only reaps, as that of a pod does. */
export class Pod {
  /** Host pid of its PID 1. */
  readonly pid: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'mvas-pod-'));
  readonly #child: ChildProcess;

  constructor() {
    const path = join(this.#folder, 'pid');
    const output = openSync(path, 'w');
    this.#child = spawn(program(), { stdio: ['ignore', output, 'inherit'] });
    closeSync(output);
    this.pid = firstNumber(path);
  }

  /** A file of the namespace. */
  get namespace(): string {
    return `/proc/${String(this.pid)}/ns/pid`;
  }

  /** Names of the processes in it, apart from PID 1 and from those that only wait to be reaped. */
  others(): string[] {
    const isIn = (pid: string): boolean =>
      linkOf(`/proc/${pid}/ns/pid`) === linkOf(this.namespace) &&
      pid !== String(this.pid) &&
      !isZombie(pid);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && isIn(name))
      .map(nameOf);
  }

  /** Ends all that is in it. */
  readonly end = (): void => {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };
}

function program(): string {
  if (built !== undefined) return built;
  built = join(mkdtempSync(join(tmpdir(), 'mvas-pause-')), 'pause');
  execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-static', '-o', built, SOURCE]);
  process.once('exit', () => {
    rmSync(join(built ?? '', '..'), { recursive: true, force: true });
  });
  return built;
}

function firstNumber(path: string): number {
  const end = performance.now() + START_MS;
  while (performance.now() < end) {
    const text = readFileSync(path, 'utf8');
    if (text.endsWith('\n')) return Number(text);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  throw new ShimError('deadlineExceeded', 'the pod has not started');
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function nameOf(pid: string): string {
  try {
    return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid} of the host)`;
  } catch {
    return '';
  }
}

function isZombie(pid: string): boolean {
  try {
    return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true; // It is gone.
  }
}
