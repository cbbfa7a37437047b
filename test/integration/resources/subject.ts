// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { asHostPid, asHostTid } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import { processLabel, threadLabel } from '../../../src/criu/label.js';
import { StillProcess } from '../../../src/criu/procfs/still-process.js';
import { containerPid, containerTid } from '../../../src/criu/procfs/status.js';
import { StoppedThread } from '../../../src/criu/tracee/stopped-thread.js';
import { injectSyscallPage } from '../../../src/criu/tracee/syscall-page.js';
import type { TracedProcess } from '../../../src/criu/tracee/tracee.js';
import type { FinalThreadState } from '../../../src/criu/resources/attributes.js';
import {
  listThreads,
  readComm,
  readMaps,
  readStat,
  readStatus,
} from '../../../src/criu/procfs/reader.js';
import { Tracer } from '../../../src/native/index.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { tryRun } from '../../helpers/run.js';

/** PTRACE_O_TRACESYSGOOD and PTRACE_O_SUSPEND_SECCOMP (linux/ptrace.h). */
const OPTIONS = 0x1 | 0x00200000;
const STOP_TIMEOUT_MS = 60_000;

/** Compiles subject.c; the binary is removed when the test ends. */
export async function buildSubject(t: ExecutionContext): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-attributes-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const binary = join(directory, 'subject');
  const source = join(REPOSITORY, 'test/integration/resources/subject.c');
  const args = ['-O1', '-static', '-pthread', '-Wall', '-Wextra', '-Werror', '-o', binary, source];
  const { code, stderr } = await tryRun('gcc', args);
  if (code !== 0) throw new ShimError('internal', `compile ${source}: ${stderr}`);
  return binary;
}

/** A subject that is stopped and traced by us. */
export interface Subject {
  readonly tracer: Tracer;
  readonly process: TracedProcess;
  readonly threads: readonly StoppedThread[];
  /** Makes it ready for remote calls. */
  prepare(): Promise<void>;
  /** Puts it back, or gives its threads other states in their order, and lets it go. */
  release(states?: readonly FinalThreadState[]): Promise<void>;
  /** Stops it again. */
  again(): Promise<Subject>;
}

/** Starts a subject without address randomization, waits until it is ready, and stops it. */
export async function seizeSubject(
  t: ExecutionContext,
  binary: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Subject> {
  // Not a child of ours: libuv waits for those, and would take the stops for exits.
  const shell = spawn('sh', ['-c', 'setarch -R "$@" & wait', 'sh', binary, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = await untilReady(shell);
  const tracer = new Tracer();
  t.teardown(async () => {
    process.kill(pid, 'SIGKILL');
    tracer.close(); // Nobody else can reap it before.
    if (shell.exitCode === null) await once(shell, 'exit');
  });
  // Its threads have done everything except going to sleep.
  while (listThreads(asHostPid(pid)).some((tid) => readStat(asHostTid(pid), tid).state !== 'S'))
    await delay(2);
  return await stop(tracer, pid);
}

async function stop(tracer: Tracer, pid: number): Promise<Subject> {
  const tids = Int32Array.from(listThreads(asHostPid(pid)));
  const failed = errors(await tracer.seize(tids, OPTIONS)).find((error) => error !== 0);
  if (failed !== undefined) throw new ShimError('internal', `seize: ${String(failed)}`);
  await tracer.waitStops(tids, STOP_TIMEOUT_MS);
  const states = await tracer.readThreads(tids);
  const leaderPid = containerPid(readStatus(asHostTid(pid)));
  const process = processLabel(leaderPid, readComm(asHostTid(pid)));
  const threads = [...tids].map((tid, index) => {
    const state = states[index];
    if (state?.error !== 0) throw new ShimError('internal', `read tid ${String(tid)}`);
    const status = readStatus(asHostTid(pid), asHostTid(tid));
    const ownTid = containerTid(status);
    const label = threadLabel(process, leaderPid, ownTid);
    const ids = {
      pid: status.tgid,
      tid: status.pid,
      nsPid: leaderPid,
      nsTid: ownTid,
      label,
      status,
    };
    return new StoppedThread(tracer, ids, state);
  });
  const [leader] = threads;
  if (!leader) throw new ShimError('internal', 'no leader');
  let page: Awaited<ReturnType<typeof injectSyscallPage>> | undefined;
  return {
    tracer,
    threads,
    process: {
      pid: leader.pid,
      nsPid: leader.nsPid,
      label: process,
      leader,
      threads,
      proc: StillProcess.read(asHostPid(pid)),
    },
    prepare: async () => {
      page = await injectSyscallPage(threads, readMaps(asHostTid(pid)));
    },
    release: async (finals) => {
      await page?.remove();
      for (const [index, thread] of threads.entries()) {
        const final = finals?.[index];
        if (!final) await thread.putBack();
        else {
          const { registers, xstate, signalMask } = final;
          const error = await tracer.writeThread(thread.tid, registers, xstate, signalMask);
          if (error !== 0) throw new ShimError('internal', `write: ${String(error)}`);
        }
      }
      await tracer.detach(tids);
    },
    again: () => stop(tracer, pid),
  };
}

/** The pid it prints. */
async function untilReady(shell: ChildProcess): Promise<number> {
  const output = shell.stdout;
  if (!output) throw new ShimError('internal', 'a subject without stdout');
  const [data] = (await once(output, 'data')) as [Buffer];
  const [, pid] = /^READY (\d+)/.exec(data.toString()) ?? [];
  if (pid === undefined) throw new ShimError('internal', data.toString());
  return Number(pid);
}

function errors(pairs: Int32Array): number[] {
  return [...pairs].filter((_, index) => index % 2 === 1);
}
