// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { asHostPid } from '../../src/common/ids.js';
import { cgroupOf, freeze, isFrozen, thaw, type Cgroup } from '../../src/common/cgroup.js';
import { ShimError } from '../../src/common/errors.js';
import { criuEngine } from '../helpers/targets-criu.js';
import { mvasEngine } from '../helpers/targets-engine.js';
import { TargetRun } from '../helpers/targets-run.js';
import type { Target } from '../helpers/targets.js';
import { readTargets, thisMachine, unmetNeed } from '../helpers/targets.js';

/**
 * Runs each target of test/targets four times: without a checkpoint, with one that leaves it running, with one that
 * kills it and a restore, and with the latter twice in a row. Targets about task states also run paused: with a
 * checkpoint that leaves them paused, and with one that kills them and a restore. Some run in a user namespace, with a
 * restore, some in a pid namespace that they share, which is that of another pod after the restore, and some without what
 * only BPF shows. MVAS_TARGETS (a regular expression) and MVAS_TARGET_MODES (a comma-separated list) select among them. With MVAS_TARGET_CRIU (the path of criu) runc and
 * CRIU are the engine, which verifies the targets and not this project.
 */
const MODES = ['none', 'leave', 'restore', 'twice', 'paused', 'mapped', 'pod', 'blind'] as const;
type Mode = (typeof MODES)[number];

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const TARGETS = join(REPOSITORY, 'test/targets');
const criu = process.env['MVAS_TARGET_CRIU'];
const engine = criu === undefined ? mvasEngine(REPOSITORY) : criuEngine(criu);
/** Sees only what the kernel shows without BPF. */
const blindEngine = mvasEngine(REPOSITORY, { MVAS_NO_BPF: '1' });
const machine = thisMachine();

const wantedModes = process.env['MVAS_TARGET_MODES']?.split(',') ?? MODES;
const wantedTargets = new RegExp(process.env['MVAS_TARGETS'] ?? '');

execFileSync('make', ['-s', '-j2', '-C', TARGETS], { stdio: ['ignore', 'ignore', 'inherit'] });

/** Targets that also run paused by default. */
const PAUSED = /^(process_|threads_|blocked_|refuse_(vfork|ptrace))/;

/** Targets that also run in a user namespace by default: where ids and privileges matter. */
const MAPPED = new RegExp(
  '^(blocked_sleep|cred_(ids|capabilities|rlimits)|deleted_(attributes|large)|' +
    'file_(ids|leases|regular|tmpfs)|ipc_.*|memfd_exec|' +
    'memory_shared_(anonymous|limited)|message_queue|pipe_data|process_tree|pty_session|tcp_inside|threads_state|' +
    'unix_(messages|passcred|stream))$',
);

/** Targets that also run in a shared pid namespace by default: where ids, parents and init matter. */
const POD = new RegExp(
  '^(cred_ids|file_(proc|shared_table)|futex_robust|memory_(copy_on_write|shared_anonymous)|pidfd.*|pipe_(owner|processes)|' +
    'process_(chain|groups|orphans|sessions_early|stop.*|zombies)|pty_session|refuse_(pid_namespace|stop_orphaned)|' +
    'signal_trap|socket_owner|threads_many|timer_posix|unix_sender_gone)$',
);

/** Where the ids of a user namespace begin. */
const FIRST_ID = 200_000;

/** How many tests run at a time. */
const JOBS = Number(process.env['MVAS_TARGET_JOBS'] ?? 3);
const waiting: (() => void)[] = [];
let running = 0;
/** Results of the tests, by mode. */
const summary = new Map<Mode, Record<string, number>>();

/** Targets that also run dynamically linked, with more mappings and another set-up of TLS and threads. */
const DYNAMIC = ['memory_growth', 'process_tree', 'rseq', 'signal_altstack', 'threads_many'];

const all = readTargets(TARGETS);
const dynamic = all
  .filter(({ name }) => DYNAMIC.includes(name))
  .map((target) => ({ ...target, name: `${target.name}-dynamic` }));

const chosen = [...all, ...dynamic].filter(({ name }) => wantedTargets.test(name));
/**
 * What targets need and this machine lacks. AVA requires all tests to be declared synchronously, so this comes first.
 */
const lacking = new Map<string, string | undefined>();
for (const target of chosen) {
  lacking.set(target.name, unmetNeed(target, machine) ?? (await missingInside(target)));
}

for (const target of chosen) {
  const missing = lacking.get(target.name);
  for (const mode of MODES.filter((name) => wantedModes.includes(name))) {
    if (target.expect.kind === 'refuse' && mode === 'twice') continue;
    if (mode === 'blind' && (!target.blind || criu !== undefined)) continue;
    if (mode === 'paused' && wantedModes === MODES && !PAUSED.test(target.name)) continue;
    if (mode === 'mapped' && wantedModes === MODES && !MAPPED.test(target.name)) continue;
    if (mode === 'pod' && wantedModes === MODES && !POD.test(target.name)) continue;
    if (missing !== undefined) {
      test.skip(`${target.name}: ${mode} (${missing})`, (t) => t.pass());
      continue;
    }
    test(`${target.name}: ${mode}`, async (t) => {
      await takeTurn(t);
      t.timeout(120_000);
      t.teardown(() => {
        count(mode, t.passed ? 'passed' : 'failed');
      });
      await runTarget(t, target, mode);
    });
  }
}

test.after.always('summary', (t) => {
  for (const [mode, counts] of summary) {
    const words = Object.entries(counts).map(([what, count]) => `${String(count)} ${what}`);
    t.log(`${mode}: ${words.join(', ')}`);
  }
});

/** Waits until few other tests run; they are independent, and mostly wait. */
async function takeTurn(t: ExecutionContext): Promise<void> {
  if (running >= JOBS) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  t.teardown(() => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  });
}

/** What targets that check their own needs find missing in a container on this machine. */
async function missingInside(target: Target): Promise<string | undefined> {
  if (!target.mayNotRun) return undefined;
  const run = new TargetRun(target, engine, join(TARGETS, 'build', target.name));
  try {
    const first = await run.start();
    return first.startsWith('SKIP') ? first.slice('SKIP: '.length) : undefined;
  } finally {
    await run.close(false);
  }
}

async function runTarget(t: ExecutionContext, declared: Target, mode: Mode): Promise<void> {
  const target = mode === 'blind' ? { ...declared, ...declared.blind } : declared;
  const firstId = mode === 'mapped' ? FIRST_ID : undefined;
  const how = { firstId, sharesPids: mode === 'pod' };
  const chosenEngine = mode === 'blind' ? blindEngine : engine;
  const run = new TargetRun(target, chosenEngine, join(TARGETS, 'build', target.name), how);
  t.teardown(async () => {
    await run.close(!t.passed);
    if (!t.passed) t.log(`kept ${run.folder}; again: ${repeatCommand(target, mode)}`);
  });
  t.is(await run.start(), 'READY');
  const problems = await passThrough(t, run, target, mode);
  t.is(await run.go(), 'PASS', problems.join('\n'));
  t.is(problems.join('\n'), '', 'the same from outside');
}

/** Takes the waiting target through a mode; resolves with what looks different from outside. */
async function passThrough(
  t: ExecutionContext,
  run: TargetRun,
  target: Target,
  mode: Mode,
): Promise<string[]> {
  const rounds = mode === 'twice' ? 2 : 1;
  const problems: string[] = [];
  // What the checkpoint reported as lost is missing after the restore.
  const quiet = { ...target, warns: undefined };
  for (let round = 0; round < rounds; round++) {
    const before = await run.view();
    t.true(before.facts.size > 0, 'the container can be seen from outside');
    const isNew = mode !== 'none' && (await takeOver(t, run, round === 0 ? target : quiet, mode));
    problems.push(...(await run.compare(before)));
    const { identities } = await run.view();
    for (const [pid, identity] of before.identities) {
      if ((identities.get(pid) !== identity) !== isNew) {
        problems.push(`process ${pid} should be ${isNew ? 'a new one' : 'the same'}`);
      }
    }
    if (mode !== 'none' && mode !== 'leave' && !isNew) break;
  }
  return problems;
}

/** Checkpoints, and restores where the mode says so. False when the processes are still the old ones. */
async function takeOver(
  t: ExecutionContext,
  run: TargetRun,
  target: Target,
  mode: Mode,
): Promise<boolean> {
  const paused = mode === 'paused' ? await leavePaused(t, run) : undefined;
  const { imagePath, result } = await run.checkpoint(mode === 'leave');
  const refusal = checkOutcome(t, target, result);
  if (refusal !== undefined) t.log(`refused: ${refusal}`);
  if (refusal !== undefined && paused) thaw(paused);
  if (refusal !== undefined || mode === 'leave') return false;
  await run.restore(imagePath);
  return true;
}

/** Pauses the container, and checkpoints it a first time. */
async function leavePaused(t: ExecutionContext, run: TargetRun): Promise<Cgroup> {
  const cgroup = cgroupOf(asHostPid(await run.initPid()));
  if (!cgroup) throw new ShimError('internal', 'the target has no cgroup');
  await freeze(cgroup);
  t.teardown(() => {
    thaw(cgroup); // runc does not delete a paused container.
  });
  await run.checkpoint(true);
  t.true(isFrozen(cgroup), 'paused as it was');
  return cgroup;
}

/** Compares a checkpoint's result with what the target expects; returns the message of a failure. */
function checkOutcome(
  t: ExecutionContext,
  { expect, warns }: Target,
  result: { status: number; stderr: string },
): string | undefined {
  if (warns && criu === undefined) t.regex(result.stderr, warns);
  if (result.status === 0) {
    t.not(expect.kind, 'refuse', 'this cannot be restored and must be refused');
    return undefined;
  }
  if (expect.kind === 'restore') t.fail(`checkpoint failed: ${result.stderr}`);
  else t.regex(result.stderr, expect.because);
  if (criu === undefined) t.regex(result.stderr, /; remedy: \S/, 'a refusal names a remedy');
  return result.stderr.trim();
}

function count(mode: Mode, what: string): void {
  const counts = summary.get(mode) ?? {};
  counts[what] = (counts[what] ?? 0) + 1;
  summary.set(mode, counts);
}

function repeatCommand(target: Target, mode: Mode): string {
  return (
    `MVAS_TARGETS='^${target.name}$' MVAS_TARGET_MODES=${mode} ` +
    'npx ava dist/test/integration/targets.test.js'
  );
}
