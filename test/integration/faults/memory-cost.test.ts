// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { asHostPid } from '../../../src/common/ids.js';
import { cgroupOf, pidsIn } from '../../../src/common/cgroup.js';
import { memoryCgroupsOf, readMemoryRoom } from '../../../src/common/cgroup-memory.js';
import { ShimError } from '../../../src/common/errors.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { mvasEngine, runCommand } from '../../helpers/targets-engine.js';
import { TargetRun } from '../../helpers/targets-run.js';
import { vasLeftoversInTheEnd } from './leftovers.js';
import { Yard } from './harness.js';

/**
 * What a checkpoint costs a container that goes on: it is charged for no memory, and what its processes share is not
 * copied. `MVAS_COST_ROUNDS` is how often each is tried.
 */

const ROUNDS = Number(process.env['MVAS_COST_ROUNDS'] ?? 3);
const MEBIBYTE = 1 << 20;
/** As a fraction of the memory it had before. */
const TOLERANCE = 0.02;

const yard = new Yard();
const engine = mvasEngine(REPOSITORY);

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

test.serial('a tree that shares its memory, and could not have it twice', async (t) => {
  const tree = await Tree.start(t, { megabytes: 320, children: 8 });
  await tree.limit(400 * MEBIBYTE);
  await costsNothing(t, tree);
});

test.serial('a tree of many processes, 1 MiB below its limit', async (t) => {
  const tree = await Tree.start(t, { megabytes: 16, children: 50 });
  await tree.limit(tree.usage + MEBIBYTE);
  await costsNothing(t, tree);
});

test.serial('a tree without room for a checkpoint is refused', async (t) => {
  const tree = await Tree.start(t, { megabytes: 16, children: 50 });
  tree.settle();
  const roomy = tree.usage + MEBIBYTE; // Usage is read once: it changes by itself.
  await tree.limit(roomy);
  await tree.limit(roomy - tree.room + 300 * 1024);
  const { status, stderr } = await tree.checkpoint();
  t.is(status, 1);
  t.regex(stderr, /\d+ KiB are left of its memory limit of \d+ KiB.*remedy: raise the limit/);
  t.is(tree.kills, 0);
  t.is(await tree.run.go(), 'PASS');
});

async function costsNothing(t: ExecutionContext, tree: Tree): Promise<void> {
  const before = tree.share;
  for (let round = 0; round < ROUNDS; round++) {
    const { status, stderr } = await tree.checkpoint();
    t.is(status, 0, stderr);
    t.is(tree.kills, 0, `round ${String(round)}: nothing is killed`);
    const change = tree.share / before - 1;
    t.true(Math.abs(change) <= TOLERANCE, `round ${String(round)}: ${String(change * 100)} %`);
  }
  t.is(await tree.run.go(), 'PASS');
}

/** A parent and children that share memory, in a container whose memory can be limited. */
class Tree {
  readonly run: TargetRun;
  readonly #pid: number;
  readonly #directory: string;

  private constructor(run: TargetRun, pid: number) {
    this.run = run;
    this.#pid = pid;
    const cgroups = readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8');
    const [directory] = memoryCgroupsOf(cgroups, readFileSync('/proc/self/mountinfo', 'utf8'));
    this.#directory = directory ?? '';
  }

  static async start(
    t: ExecutionContext,
    { megabytes, children }: { readonly megabytes: number; readonly children: number },
  ): Promise<Tree> {
    t.timeout(120_000 + ROUNDS * 20_000);
    const name = 'memory_prefork';
    const target = { name, needs: [], expect: { kind: 'restore' }, varies: [] } as const;
    const binary = join(REPOSITORY, 'test/targets/build', name);
    const run = new TargetRun(target, engine, binary);
    t.teardown(() => run.close(!t.passed));
    const config = join(run.place.bundle, 'config.json');
    const env = `"env":["MEGABYTES=${String(megabytes)}","CHILDREN=${String(children)}",`;
    writeFileSync(config, readFileSync(config, 'utf8').replace(/"env":\s*\[/, env));
    t.is(await run.start(), 'READY');
    return new Tree(run, await run.initPid());
  }

  /** Bytes the container is charged for. */
  get usage(): number {
    return Number(this.#text('memory.usage_in_bytes', 'memory.current'));
  }

  /** Bytes that can still be charged to it. */
  get room(): number {
    return readMemoryRoom(this.#directory).room;
  }

  /** Number of processes that the kernel has killed for lack of memory. */
  get kills(): number {
    const text = this.#text('memory.oom_control', 'memory.events');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1]);
  }

  /** Proportional share of memory of all processes together, in KiB. */
  get share(): number {
    const cgroup = cgroupOf(asHostPid(this.#pid));
    const pids = cgroup ? pidsIn(cgroup) : [];
    return pids.reduce((sum, pid) => {
      const text = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
      return sum + Number(/^Pss: +(\d+) kB$/m.exec(text)?.[1]);
    }, 0);
  }

  /**
   * Has the kernel give back what each processor has charged in advance (up to 256 KiB), which it would do at any time.
   * It does so if a limit lies below what is charged.
   */
  settle(): void {
    try {
      writeFileSync(this.#file('memory.limit_in_bytes', 'memory.high'), String(this.usage - 4096));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    }
  }

  async limit(bytes: number): Promise<void> {
    const { runcRoot, id } = this.run.place;
    const argv = ['runc', '--root', runcRoot, 'update', '--memory', String(bytes), id];
    const { status, stderr } = await runCommand(argv);
    if (status !== 0) throw new ShimError('internal', `runc update: ${stderr}`);
  }

  /** Checkpoints it, leaves it running, and drops what was kept. */
  async checkpoint(): Promise<{ readonly status: number; readonly stderr: string }> {
    const { imagePath, result } = await this.run.checkpoint(true);
    rmSync(imagePath, { recursive: true, force: true });
    await engine.discard(this.run.place);
    return result;
  }

  #text(v1: string, v2: string): string {
    return readFileSync(this.#file(v1, v2), 'utf8');
  }

  #file(v1: string, v2: string): string {
    const old = join(this.#directory, v1);
    return existsSync(old) ? old : join(this.#directory, v2);
  }
}
