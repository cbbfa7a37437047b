// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asHostPid, asHostTid, asNsPid, ownPid } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import { PlanBuilder } from '../../../src/criu/plan/builder.js';
import type { Sequence } from '../../../src/criu/plan/sequence.js';
import { readComm, readMountinfo, readStat } from '../../../src/criu/procfs/reader.js';
import { StillProcess } from '../../../src/criu/procfs/still-process.js';
import {
  FileDumper,
  FilePlan,
  ScratchNames,
  type FilesImage,
  mountFacts,
} from '../../../src/criu/resources/files/index.js';
import { processLabel } from '../../../src/criu/label.js';
import type { Tracee, TracedProcess } from '../../../src/criu/tracee/tracee.js';
import { SIGSTOP } from '../../../src/native/abi/index.js';
import { errnoName, SYS } from '../../../src/native/sys.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { asValid } from '../../helpers/valid.js';

const SOURCES = join(REPOSITORY, 'test/integration/files');
const PIE = join(REPOSITORY, 'native/pie');
const FAILED = { offset: 24, result: 32, row: 40 };
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const CLONE_FILES = 0x400;
const DEADLINE_MS = 60_000;

/** Where plan-runner.c maps a plan. */
export const PLAN_ADDRESS = 0x3000_0000_0000n;

/** Where stdout and stderr of a program go. */
export type Output = readonly ['ignore' | number, 'inherit' | number];

const PROGRAMS = ['opener', 'plan-runner'] as const;
let builtPrograms: string | undefined;

/** Builds the programs, once for all tests; they are removed when the tests end. */
function buildPrograms(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-files-built-'));
  process.once('exit', () => {
    rmSync(directory, { recursive: true, force: true });
  });
  const flags = ['-O1', '-Wall', '-Werror', `-I${PIE}`, `-I${join(PIE, '../include')}`];
  const build = (output: (typeof PROGRAMS)[number], ...inputs: string[]): void => {
    execFileSync('gcc', [...flags, '-o', join(directory, output), ...inputs]);
  };
  build('opener', join(SOURCES, 'opener.c'));
  const parts = ['plan.c', 'ring.c'].map((part) => join(PIE, part));
  build('plan-runner', join(SOURCES, 'plan-runner.c'), ...parts);
  return directory;
}

/** Programs and files of one test; everything is gone after {@link dispose}. */
export class FilesBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'mvas-files-'));
  readonly #children: ChildProcess[] = [];
  readonly #restored: number[] = [];

  constructor() {
    builtPrograms ??= buildPrograms();
    for (const name of PROGRAMS) copyFileSync(join(builtPrograms, name), this.path(name));
    mkdirSync(this.path('work'));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** A stopped process that has opened files of a kind. */
  open(kind: string, output: Output = ['ignore', 'inherit']): Promise<number> {
    return this.#start('opener', [kind, this.path('work')], output);
  }

  /** Ends a process and waits until it is gone. */
  async end(pid: number): Promise<void> {
    const child = this.#children.find((one) => one.pid === pid);
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await gone;
    }
  }

  /**
   * Stopped processes with the pids of the image in which its files were opened by a plan: children of
   * one that opens everything, each forked by the one whose descriptor table it shares.
   */
  async restore(image: FilesImage): Promise<void> {
    const builder = new PlanBuilder(PLAN_ADDRESS);
    const root = builder.sequence('root');
    const mounts = mountFacts(readMountinfo(ownPid()));
    const plan = new FilePlan(builder, asValid(image), {
      sparePid: asNsPid(2),
      queuedEvents: 16_384,
      stdio: [null, null, null],
      hasConsole: false,
      mounts,
      names: new ScratchNames(this.directory),
    });
    plan.planOpen(root);
    const sequences = new Map<number, Sequence>();
    for (const pid of image.tables.keys()) {
      const owner = sequences.get(plan.tableOwner(pid));
      const sequence = builder.sequence(`pid ${String(pid)}`);
      const options = owner ? { flags: CLONE_FILES } : {};
      const forked = { pid, sequence, stackEnd: builder.stackEnd(), ...options };
      (owner ?? root).fork(`fork ${String(pid)}`, forked);
      sequences.set(pid, sequence);
    }
    const entered = new Map([...sequences.keys()].map((pid) => [pid, builder.reserve(8)]));
    for (const [pid, sequence] of sequences) {
      plan.planPlace(asNsPid(pid), sequence);
      plan.planFs(asNsPid(pid), sequence);
      const mine = entered.get(pid) ?? null;
      sequence.poke('say that the directories are set', mine, 1);
      sequence.syscall('wake the owner', SYS.futex, [mine, FUTEX_WAKE, 1]);
      for (const [other, flag] of entered) {
        if (other === pid || plan.tableOwner(asNsPid(other)) !== pid) continue;
        // Fails at once when it is set already.
        const args = [flag, FUTEX_WAIT, 0, null];
        sequence.syscall('wait for a sharer', SYS.futex, args, { tolerate: true });
      }
      plan.planRelease(asNsPid(pid), sequence);
      plan.planAfterDrop(asNsPid(pid), sequence);
      sequence.syscall('stop', SYS.kill, [pid, SIGSTOP]);
    }
    // As PID 1 does, which is a process of the image elsewhere.
    root.syscall('close staged files', SYS.close_range, [plan.stageBase, 0xffffffff, 0]);
    root.end();
    await this.run(builder, root, [...image.tables.keys()]);
  }

  /** Runs a plan from a sequence on, and waits until the processes that it forks have stopped. */
  async run(builder: PlanBuilder, root: Sequence, pids: readonly number[] = []): Promise<void> {
    const { bytes, describe } = builder.finish();
    const file = this.path('plan');
    writeFileSync(file, bytes);
    try {
      this.#restored.push(...pids);
      await this.#start('plan-runner', [file, String(root.offset)]);
      for (const pid of pids) await stopped(pid, () => existsSync(`/proc/${String(pid)}`));
    } catch (error) {
      const after = readFileSync(file);
      const at = after.readBigUInt64LE(FAILED.offset);
      const errno = errnoName(Number(after.readBigInt64LE(FAILED.result)));
      const row = after.readBigUInt64LE(FAILED.row);
      const what = `${describe(at, row)}: ${errno} (${String(after.readBigInt64LE(FAILED.result))})`;
      throw new ShimError('internal', what, { cause: error });
    }
  }

  async dispose(): Promise<void> {
    for (const pid of this.#restored) kill(pid);
    for (const { pid } of this.#children) if (pid !== undefined) await this.end(pid);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #start(
    program: string,
    args: readonly string[],
    output: Output = ['ignore', 'inherit'],
  ): Promise<number> {
    const child = spawn(this.path(program), args, { stdio: ['ignore', ...output] });
    this.#children.push(child);
    const { pid } = child;
    if (pid === undefined) throw new ShimError('internal', `${program} does not start`);
    await stopped(pid, () => child.exitCode === null && child.signalCode === null);
    return pid;
  }
}

/** Waits until a process has stopped itself. */
async function stopped(pid: number, lives: () => boolean): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  for (; lives() && performance.now() < end; await delay(5)) {
    const { state } = readStat(asHostTid(pid));
    if (state === 'T') return;
    if (state === 'Z') break;
  }
  throw new ShimError('internal', `pid ${String(pid)} does not stop`);
}

/** Kills a process whose parent reaps it at once, and waits until its pid is free. */
export async function killAndWait(pid: number): Promise<void> {
  kill(pid);
  for (const end = performance.now() + DEADLINE_MS; performance.now() < end; await delay(5)) {
    if (!existsSync(`/proc/${String(pid)}`)) return;
  }
  throw new ShimError('internal', `pid ${String(pid)} does not go`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has already ended.
  }
}

/** A process as the engine sees it, whose files are dumped; nothing else of it is used. */
export function tracedProcess(hostPid: number, inContainer = hostPid): TracedProcess {
  const [pid, nsPid] = [asHostPid(hostPid), asNsPid(inContainer)];
  const label = processLabel(nsPid, readComm(pid));
  const leader = { tid: pid, pid, nsTid: nsPid, nsPid, label } as unknown as Tracee;
  return { pid, nsPid, label, leader, threads: [leader], proc: StillProcess.read(pid) };
}

/** Dumps the files of processes; `also` may ask for mapped files before the end. */
export async function dumpImage(
  pids: readonly number[],
  also: (dumper: FileDumper, processes: readonly TracedProcess[]) => void = () => undefined,
): Promise<FilesImage> {
  const processes = pids.map((pid) => tracedProcess(pid));
  const dumper = new FileDumper(processes);
  try {
    dumper.dump();
    also(dumper, processes);
    return await dumper.finish();
  } finally {
    dumper.close();
  }
}
