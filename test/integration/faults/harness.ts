// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asHostPid } from '../../../src/common/ids.js';
import { cgroupOf, type Cgroup } from '../../../src/common/cgroup.js';
import { ShimError } from '../../../src/common/errors.js';
import { Scope } from '../../../src/common/scope.js';
import { BIN, REPOSITORY } from '../../helpers/paths.js';
import { runCommand, type CommandResult, type Engine } from '../../helpers/targets-engine.js';
import { TargetRun } from '../../helpers/targets-run.js';

const MVAS = join(BIN, 'mvas');
const SOURCES = join(REPOSITORY, 'test/integration/faults');
// prettier-ignore
const FLAGS = ['-std=gnu11', '-D_GNU_SOURCE', '-O1', '-Wall', '-Werror', '-mno-red-zone',
  '-Wno-unused-function', '-Wno-unused-variable', '-static', '-pthread'];
/** Three rounds of one that checks 400 MiB take a second; the rest allows for a very busy machine. */
const COUNT_TIMEOUT_MS = 60_000;
const POLL_MS = 5;

/** Exit status of the counter when all was well. */
export const COUNTER_STATUS = 42;

/** Where the tests of one file keep their VASes and the counter. Sets MVAS_ROOT for this process. */
export class Yard {
  readonly folder = mkdtempSync(join(tmpdir(), 'mvas-faults-'));
  readonly vasRoot = join(this.folder, 'vas');
  readonly binary = join(this.folder, 'counter');
  /** Names of all VASes so far. VASes of others exist at the same time. */
  readonly vasIds = new Set<string>();

  constructor() {
    mkdirSync(this.vasRoot, { mode: 0o700 });
    watch(this.vasRoot, { persistent: false }, (_, name) => name && this.vasIds.add(name));
    process.env['MVAS_ROOT'] = this.vasRoot;
    execFileSync('gcc', [...FLAGS, '-o', this.binary, join(SOURCES, 'counter.c')]);
  }

  /** Compiles another program than the counter. */
  compile(name: string): string {
    const binary = join(this.folder, name);
    execFileSync('gcc', [...FLAGS, '-o', binary, join(SOURCES, `${name}.c`)]);
    return binary;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs `mvas` to its end; `fault` is MVAS_FAULT. */
export function mvas(
  args: readonly string[],
  { fault, env, output }: { fault?: string; env?: NodeJS.ProcessEnv; output?: number } = {},
): Promise<CommandResult> {
  const settings = Object.entries({ ...env, MVAS_FAULT: fault ?? '' })
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${value}`);
  return runCommand(
    ['timeout', '60', 'env', '-u', 'MVAS_FAULT', ...settings, MVAS, ...args],
    output,
  );
}

/** A VAS as `mvas ls --json` shows it. */
export interface ListedVas {
  readonly id: string;
  readonly state: string;
  readonly holderPid?: number;
  readonly clones: number;
}

/** What `mvas ls` shows. */
export async function listed(): Promise<ListedVas[]> {
  const { status, stdout, stderr } = await mvas(['ls', '--json']);
  if (status !== 0) throw new ShimError('internal', `mvas ls: ${stderr}`);
  return JSON.parse(stdout) as ListedVas[];
}

/** A counter in a container of plain runc. */
export class Counter {
  readonly run: TargetRun;
  readonly #scope = new Scope();
  #images = 0;

  /** `megabytes`: how much memory it fills and checks. Or another program that counts. */
  constructor(
    yard: Yard,
    what:
      | number
      | {
          readonly binary: string;
          readonly env: readonly string[];
          readonly sharesPids?: boolean;
        } = 1,
  ) {
    const { sharesPids = false, ...program } =
      typeof what === 'number' ? { binary: yard.binary, env: [`MEGABYTES=${String(what)}`] } : what;
    const target = { name: 'counter', needs: [], expect: { kind: 'restore' }, varies: [] } as const;
    this.run = new TargetRun(target, engine, program.binary, { sharesPids });
    const config = join(this.run.place.bundle, 'config.json');
    const env = `"env":[${program.env.map((one) => JSON.stringify(one)).join()},`;
    writeFileSync(config, readFileSync(config, 'utf8').replace(/"env":\s*\[/, env));
  }

  get #file(): string {
    return join(this.run.place.bundle, 'rootfs/data/count');
  }

  get id(): string {
    return this.run.place.id;
  }

  /** Name of a new image directory, which does not exist. */
  newImage(): string {
    this.#images += 1;
    return join(this.run.folder, `faults.${String(this.#images)}`);
  }

  async start(): Promise<void> {
    const first = await this.run.start();
    if (first !== 'READY') throw new ShimError('internal', `counter: ${first}`);
  }

  checkpointArgs(imagePath: string, leaveRunning = true): string[] {
    const flags = leaveRunning ? ['--leave-running'] : [];
    return ['checkpoint', '--runc-root', this.run.place.runcRoot, '--image-path', imagePath].concat(
      flags,
      this.id,
    );
  }

  restoreArgs(imagePath: string, isDetached = true): string[] {
    const { runcRoot, bundle } = this.run.place;
    const flags = isDetached ? ['--detach'] : [];
    // prettier-ignore
    return ['restore', '--runc-root', runcRoot, '--bundle', bundle, '--image-path', imagePath,
      ...flags, this.id];
  }

  /**
   * Starts a checkpoint that may be killed from here. Its event `close` comes when its tracing process has ended as
   * well, because that has all of its descriptors.
   */
  startCheckpoint(imagePath: string, options: readonly string[] = []): ChildProcess {
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    const [command = '', ...rest] = this.checkpointArgs(imagePath);
    const child = spawn(MVAS, [command, ...options, ...rest], { stdio: [...stdio] });
    child.stdout.resume();
    return child;
  }

  /** Deletes the container, in any state. */
  async delete(): Promise<void> {
    const { runcRoot } = this.run.place;
    const result = await runCommand(['runc', '--root', runcRoot, 'delete', '--force', this.id]);
    if (result.status !== 0) throw new ShimError('internal', `runc delete: ${result.stderr}`);
  }

  /** The freezer cgroup of the container. */
  async cgroup(): Promise<Cgroup> {
    const found = cgroupOf(asHostPid(await this.run.initPid()));
    if (!found) throw new ShimError('internal', 'the counter has no cgroup');
    return found;
  }

  /** The count in its file. */
  count(): bigint {
    const buffer = Buffer.alloc(8);
    const file = openSync(this.#file, 'r');
    try {
      return readSync(file, buffer, 0, 8, 0) === 8 ? buffer.readBigUInt64LE(0) : 0n;
    } finally {
      closeSync(file);
    }
  }

  /** Resets the file to its state at a checkpoint, which does not save files of the root file system. */
  setCount(count: bigint): void {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(count);
    const file = openSync(this.#file, 'r+');
    try {
      writeSync(file, buffer, 0, 8, 0);
    } finally {
      closeSync(file);
    }
  }

  /** Makes the file of a container that is to be restored from the checkpoint of another. */
  makeFile(count: bigint): void {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, new Uint8Array(8), { mode: 0o600 });
    this.setCount(count);
  }

  /** Resolves when it has counted some rounds further. @throws ShimError when it does not */
  async countsOn(rounds = 3n): Promise<void> {
    const from = this.count();
    const end = performance.now() + COUNT_TIMEOUT_MS;
    while (this.count() < from + rounds) {
      if (performance.now() > end) {
        const said = await this.run.go().catch((error: unknown) => String(error));
        throw new ShimError('deadlineExceeded', `the counter stands at ${String(from)}: ${said}`);
      }
      await delay(POLL_MS);
    }
  }

  /** True when it does not count. */
  async stands(): Promise<boolean> {
    const from = this.count();
    await delay(30);
    return this.count() === from;
  }

  defer(what: string, cleanup: () => void | Promise<void>): void {
    this.#scope.defer(what, cleanup);
  }

  async close(keep: boolean): Promise<void> {
    await this.#scope.close();
    await engine.discard(this.run.place);
    await this.run.close(keep);
  }
}

/** Plain, but with the environment of these tests. */
export const engine: Engine = {
  wrapStart: (argv) => argv,
  checkpoint: (place, imagePath, leaveRunning) => {
    const flags = leaveRunning ? ['--leave-running'] : [];
    return mvas(
      ['checkpoint', '--runc-root', place.runcRoot, '--image-path', imagePath, ...flags].concat(
        place.id,
      ),
    );
  },
  restore: (place, imagePath, output) => {
    const { runcRoot, bundle, id } = place;
    // prettier-ignore
    return mvas(['restore', '--runc-root', runcRoot, '--bundle', bundle, '--image-path', imagePath,
      '--detach', id], { output });
  },
  discard: async () => {
    for (const { id } of await listed()) await mvas(['rm', '--force', id]);
  },
};

/** Text of a file, or nothing where there is none. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Whether a difference is only mappings of ours, which a kill leaves in a process and the next checkpoint removes. */
export function isOurMemory(problem: string): boolean {
  const [key = '', ...lines] = problem.split('\n');
  const mapping = /^ {2}[-+] \S+ r(-x|w-)s \S+ \/dev\/zero \(deleted\)$/;
  return key.endsWith('.maps:') && lines.every((line) => mapping.test(line));
}
