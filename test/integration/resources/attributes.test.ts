// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { asNsTid, type HostTid, type NsTid, ownPid } from '../../../src/common/ids.js';
import type { CoreEntry } from '../../../src/criu/image/types.js';
import { PlanBuilder } from '../../../src/criu/plan/builder.js';
import { readStat, readStatus } from '../../../src/criu/procfs/reader.js';
import { StillProcess } from '../../../src/criu/procfs/still-process.js';
import {
  applyFromOutside,
  AttributePlan,
  auditThread,
  dumpAttributes,
  readLiveSeccomp,
  finalThreadState,
  readHostFacts,
  resumeRegisters,
  type AttributeDump,
  type LiveLimits,
} from '../../../src/criu/resources/attributes.js';
import { buildSubject, seizeSubject, type Subject } from './subject.js';
import { PlanRunner } from './plan-runner.js';
import { asValid } from '../../helpers/valid.js';

const EVERYTHING = readStatus(ownPid()).capabilities.bounding;
const LIMITS: LiveLimits = { boundingSet: EVERYTHING, noNewPrivileges: false };
/** The plain subject leaves its areas of restartable sequences to the plan. */
const NO_RSEQ = { GLIBC_TUNABLES: 'glibc.pthread.rseq=0' };

async function dump(subject: Subject): Promise<AttributeDump> {
  const resume = resumeRegisters([subject.process]);
  await subject.prepare();
  const { tracer } = subject;
  return await dumpAttributes([subject.process], {
    tracer,
    jobStopped: new Map(),
    resume,
    keyed: new Set(),
  });
}

/** Entries of one subject under the ids of another, leader first. */
function rename(cores: AttributeDump['cores'], target: Subject): Map<NsTid, CoreEntry> {
  const tids = target.threads.map((thread) => thread.nsTid);
  const renamed = [...cores.values()].map((core, index): [NsTid, CoreEntry] => {
    const copy = structuredClone(core);
    for (const timer of copy.tc?.timers?.posix ?? []) {
      if (timer.notify_thread_id !== undefined) timer.notify_thread_id = tids[1];
    }
    return [tids[index] ?? asNsTid(0), copy];
  });
  return new Map(renamed);
}

/** Gives a plain subject the attributes of the entries, and keeps it stopped. */
async function become(
  subject: Subject,
  plan: (builder: PlanBuilder) => AttributePlan,
): Promise<AttributePlan> {
  const builder = new PlanBuilder();
  const attributes = plan(builder);
  const { nsPid, leader } = subject.process;
  const early = builder.sequence('process');
  attributes.planInherited(early);
  attributes.planProcess(nsPid, early);
  const each = subject.threads.map((thread) => {
    const sequence = builder.sequence(`tid ${String(thread.nsTid)}`);
    attributes.planThread(nsPid, thread.nsTid, sequence);
    return sequence;
  });
  const late = builder.sequence('late');
  attributes.planLate(nsPid, late);
  const [first] = subject.threads;
  if (first?.tid !== leader.tid) throw new Error('no leader');
  const runner = await PlanRunner.map(first, builder.finish());
  await subject.prepare();
  await runner.run(first, early);
  for (const [index, thread] of subject.threads.entries()) {
    // These threads exist already; a restored one is made now and inherits the process's filters.
    if (index > 0) await runner.run(thread, early, /seccomp/);
    const sequence = each[index];
    if (sequence) await runner.run(thread, sequence);
  }
  await runner.run(first, late);
  return attributes;
}

/** What two dumps must have in common: everything except registers and the time that passes. */
function comparable(cores: AttributeDump['cores']): unknown[] {
  return [...cores.values()].map((core) => {
    const copy = structuredClone(core);
    delete copy.thread_core?.mvas_xstate;
    delete copy.thread_core?.mvas_restart;
    // A thread that was sent elsewhere has all signals blocked.
    delete copy.thread_core?.blk_sigset;
    const timers = copy.tc?.timers;
    for (const timer of timers?.posix ?? []) {
      timer.vnsec = timer.vsec > 0n ? 1n : 0n;
      timer.vsec = timer.vsec > 99000n ? 100000n : timer.vsec;
      delete timer.notify_thread_id;
    }
    const itimers = timers ? [timers.real, timers.virt, timers.prof] : [];
    for (const timer of itimers) {
      timer.vusec = 0n;
      timer.vsec = timer.vsec > 199000n ? 200000n : timer.vsec;
    }
    const tidAddress = copy.thread_info?.clear_tid_addr;
    return { thread: copy.thread_core, task: { ...copy.tc, blk_sigset: 0n }, tidAddress };
  });
}

async function richAndPlain(t: ExecutionContext): Promise<{ rich: Subject; plain: Subject }> {
  const binary = await buildSubject(t);
  const rich = await seizeSubject(t, binary, ['rich']);
  const plain = await seizeSubject(t, binary, ['plain'], NO_RSEQ);
  return { rich, plain };
}

test('a process that executes the plan has the attributes of the one that was dumped', async (t) => {
  const { rich, plain } = await richAndPlain(t);
  const before = await dump(rich);
  const cores = rename(before.cores, plain);
  const { nsPid } = plain.process;
  const attributes = await become(
    plain,
    (builder) =>
      new AttributePlan({
        builder,
        image: asValid({ processes: [{ nsPid, threads: cores }], seccomp: before.seccomp }),
        limits: LIMITS,
        host: readHostFacts(plain.process.pid),
      }),
  );
  const leader = cores.get(nsPid);
  if (leader) applyFromOutside(plain.process.pid, leader, LIMITS);
  const resume = new Map<HostTid, Uint8Array>();
  const states = await plain.tracer.readThreads(Int32Array.from(plain.threads, ({ tid }) => tid));
  // Queues, status and the rest are read when a process is seized; so ask again.
  plain.threads.forEach((thread, index) => {
    Object.assign(thread.state, states[index]);
    Object.assign(thread.status, readStatus(plain.process.pid, thread.tid));
  });
  const proc = StillProcess.read(plain.process.pid);
  const after = await dumpAttributes([{ ...plain.process, proc }], {
    tracer: plain.tracer,
    jobStopped: new Map(),
    resume,
    keyed: new Set(),
  });
  t.deepEqual(comparable(after.cores), comparable(cores));
  t.deepEqual(after.seccomp, before.seccomp);
  t.is(before.seccomp?.seccomp_filters.length, 2);
  for (const thread of plain.threads) {
    const mask = cores.get(thread.nsTid)?.thread_core?.blk_sigset ?? 0n;
    t.is(
      await plain.tracer.writeThread(thread.tid, states[0]?.registers ?? thread.resume, null, mask),
      0,
    );
    t.deepEqual(auditThread(thread, attributes.expected(nsPid, thread.nsTid)), []);
  }
});

/** Numbers of the system calls the threads sleep in, once all sleep. */
async function blockedCalls({ process, threads }: Subject): Promise<number[]> {
  while (threads.some(({ tid }) => readStat(process.pid, tid).state !== 'S')) await delay(5);
  return threads.map(({ tid }) => {
    const path = `/proc/${String(process.pid)}/task/${String(tid)}/syscall`;
    return Number(readFileSync(path, 'utf8').split(' ')[0]);
  });
}

test('threads with their final state go on with the system calls they were in', async (t) => {
  const subject = await seizeSubject(t, await buildSubject(t), ['plain']);
  const { cores } = await dump(subject);
  const states = [...cores.values()].map((core) => finalThreadState(core, 0));
  await subject.release(states);
  t.deepEqual(await blockedCalls(subject), [230, 202]);
  t.deepEqual(
    [...cores.values()].map((core) => core.thread_core?.mvas_restart),
    [514, 512],
  );
});

test('a call that goes on by restart_syscall is known by its code', async (t) => {
  const first = await seizeSubject(t, await buildSubject(t), ['plain']);
  await first.release();
  t.deepEqual(await blockedCalls(first), [219, 202]);
  const second = await first.again();
  const { cores } = await dump(second);
  t.is(cores.get(second.process.nsPid)?.thread_info?.gpregs.orig_ax, 230n);
  await second.release([...cores.values()].map((core) => finalThreadState(core, 0)));
  t.deepEqual(await blockedCalls(second), [230, 202]);
});

test('refuses in one error what cannot be restored', async (t) => {
  const subject = await seizeSubject(t, await buildSubject(t), ['refused']);
  const error = await t.throwsAsync(dump(subject), { name: 'ShimError' });
  const pid = `pid ${String(subject.process.nsPid)} \\(subject\\)`;
  t.regex(error.message, new RegExp(`^${pid}: a pending SIGTRAP is not supported`, 'm'));
  t.regex(error.message, new RegExp(`^${pid}: a seccomp filter with a supervisor is not`, 'm'));
  t.regex(error.message, new RegExp(`^${pid} tid .*: syscall user dispatch is not supported`, 'm'));
  await subject.release();
});

test('the filters of a running process can be read, and it runs on', async (t) => {
  const subject = await seizeSubject(t, await buildSubject(t), ['rich']);
  await subject.release();
  const chain = await readLiveSeccomp(subject.process.pid);
  t.deepEqual(chain, [{ filter: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f), flags: 0 }]);
  t.is((await blockedCalls(subject)).length, 2);
  t.is(Number(readStatus(subject.process.pid).tracerPid), 0);
  t.deepEqual(await readLiveSeccomp(ownPid()), []);
});
