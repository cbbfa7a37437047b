// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { listTasks, runContainer, taskOf } from '../helpers/containers.js';
import { findByArgument } from '../helpers/procfs.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { failure, groupLabel, succeed } from './counters.js';
import { Model, Random } from './oracle-model.js';

const SECONDS = Number(process.env['MVAS_ORACLE_SECONDS'] ?? 45);
const SEED = Number(process.env['MVAS_ORACLE_SEED'] ?? Date.now() % 1_000_000);
const MOST_CONTAINERS = 5;
const MOST_SNAPSHOTS = 6;
const SIGKILL = 'SIGKILL';

/** It does what /todo says: it notes a word in its memory, in the root filesystem, and in a tmpfs, and says what it has noted. */
const SCRIPT = `all=; last=
: > /state; : > /mem/state; : > /said
while :; do
  word=$last
  [ -e /todo ] && read word < /todo
  if [ "$word" != "$last" ]; then
    last=$word; all="$all $word"
    echo $word >> /state
    echo $word >> /mem/state
    echo "$all" > /said
  fi
  sleep 0.02
done`;

const MOUNT = 'type=tmpfs,src=tmpfs,dst=/mem,options=rw';

useContainerd([COUNTER.archive]);

const WEIGHTS = {
  ...{ write: 5, snapshot: 3, fork: 3, rollback: 4, forget: 2, end: 2 },
  ...{ killShim: 1, restart: 1 },
} as const;

/** Does random things, and compares what there is with the model. */
class Player {
  readonly model = new Model();
  readonly done: string[] = [];
  readonly #t: ExecutionContext;
  readonly #random: Random;
  /** Of clones that share a daemon with others, also of those that have ended: its arguments name one of them. */
  readonly #groups = new Map<string, string>();
  #words = 0;

  constructor(t: ExecutionContext, random: Random) {
    this.#t = t;
    this.#random = random;
  }

  async step(): Promise<void> {
    const { containers } = this.model;
    const what = containers.size === 0 ? 'begin' : this.#random.weighted(WEIGHTS);
    await this[what]();
  }

  async begin(): Promise<void> {
    const id = containerId(this.#t, 'actor');
    this.#note('begin', id);
    const flags = ['--mount', MOUNT];
    const args = ['/bin/sh', '-c', SCRIPT];
    await runContainer(daemon(), { id, image: COUNTER.image, flags, args });
    this.model.began(id);
    await this.#tell(id);
  }

  async write(): Promise<void> {
    const id = this.#container();
    this.#note('write', id);
    await this.#tell(id);
  }

  async snapshot(): Promise<void> {
    if (this.model.snapshots.size >= MOST_SNAPSHOTS) return;
    const id = this.#container();
    this.#note('snapshot', id);
    const isPaused = this.#random.below(4) === 0;
    if (isPaused) await daemon().ctr(['tasks', 'pause', id]);
    const snapshot = await succeed(this.#t, 'snapshot', id);
    if (isPaused) await daemon().ctr(['tasks', 'resume', id]);
    this.model.taken(id, snapshot);
    await this.#tell(id);
  }

  async fork(): Promise<void> {
    if (this.model.containers.size >= MOST_CONTAINERS) return;
    const { snapshots } = this.model;
    const isOfSnapshot = snapshots.size > 0 && this.#random.below(2) === 0;
    const source = isOfSnapshot ? this.#snapshot() : this.#container();
    const clone = containerId(this.#t, 'actor');
    this.#note('fork', source, clone);
    await succeed(this.#t, 'fork', '--name', clone, source);
    this.model.forked(source, clone);
    const group = await groupLabel(clone);
    if (group !== '') this.#groups.set(clone, group);
    await this.#tell(clone);
    if (!isOfSnapshot) await this.#tell(source);
  }

  async rollback(): Promise<void> {
    if (this.model.snapshots.size === 0) return;
    const id = this.#container();
    const snapshot = this.#snapshot();
    this.#note('rollback', id, snapshot);
    if (this.model.mayGoBack(id, snapshot)) {
      await succeed(this.#t, 'rollback', id, snapshot);
      this.model.wentBack(id, snapshot);
    } else {
      this.#t.regex(await failure(this.#t, 'rollback', id, snapshot), /is of container .*remedy/);
    }
    await this.#tell(id);
  }

  async forget(): Promise<void> {
    if (this.model.snapshots.size === 0) return;
    const snapshot = this.#snapshot();
    this.#note('forget', snapshot);
    if (this.model.mayGo(snapshot)) {
      await succeed(this.#t, 'rm', snapshot);
      this.model.gone(snapshot);
    } else {
      this.#t.regex(await failure(this.#t, 'rm', snapshot), /is of a clone of it.*remedy/);
    }
  }

  async end(id = this.#container()): Promise<void> {
    this.#note('end', id);
    await remove(this.#t, id);
    this.model.containers.delete(id);
  }

  async killShim(): Promise<void> {
    const id = this.#container();
    this.#note('killShim', id);
    const company = this.#companyOf(id);
    process.kill(await shimOf(id, company), SIGKILL);
    for (const one of company.filter((member) => this.model.containers.has(member))) {
      await until(`containerd to clean up after the shim of ${one}`, async () => {
        const task = (await listTasks(daemon())).find((line) => line.id === one);
        return task === undefined || task.status === 'STOPPED';
      });
      await until(`${one} to be removed`, async () => {
        await daemon().tryCtr(['tasks', 'rm', '-f', one]);
        await daemon().ctr(['containers', 'rm', one]);
        return true;
      });
      this.model.containers.delete(one);
    }
  }

  /** A container, and those that have shared its daemon. */
  #companyOf(id: string): readonly string[] {
    const group = this.#groups.get(id);
    if (group === undefined) return [id];
    return [...this.#groups].filter(([, other]) => other === group).map(([member]) => member);
  }

  async restart(): Promise<void> {
    this.#note('restart');
    await daemon().crash();
    await daemon().restart();
    await this.check();
  }

  /** Everything is as the model says. */
  async check(): Promise<void> {
    const { containers, snapshots } = this.model;
    const tasks = (await listTasks(daemon())).map(({ id }) => id).sort();
    this.#t.deepEqual(tasks, [...containers.keys()].sort());
    const listed = JSON.parse(await succeed(this.#t, 'ls', '--json')) as { id: string }[];
    this.#t.deepEqual(listed.map(({ id }) => id).sort(), [...snapshots.keys()].sort());
    for (const id of containers.keys()) await this.#tell(id);
  }

  async endAll(): Promise<void> {
    for (const id of this.model.containers.keys()) await this.end(id);
    const all = [...this.model.snapshots.keys()];
    if (all.length > 0) await succeed(this.#t, 'rm', '--cascade', ...all);
  }

  /** Tells a container another word: what it then says, from its memory, and its files have to be what it has ever been told. */
  async #tell(id: string): Promise<void> {
    this.#words += 1;
    const word = `w${String(this.#words)}`;
    const { pid } = await taskOf(daemon(), id);
    const root = `/proc/${String(pid)}/root`;
    writeFileSync(`${root}/todo.new`, `${word}\n`);
    renameSync(`${root}/todo.new`, `${root}/todo`);
    this.model.told(id, word);
    const said = await until(`${id} to note ${word}`, () => {
      const words = wordsIn(`${root}/said`);
      return Promise.resolve(words.at(-1) === word && words);
    });
    const { tokens } = this.model.container(id);
    this.#t.deepEqual(said, tokens, `memory of ${id}`);
    this.#t.deepEqual(wordsIn(`${root}/state`), tokens, `files of ${id}`);
    this.#t.deepEqual(wordsIn(`${root}/mem/state`), tokens, `tmpfs of ${id}`);
  }

  #container(): string {
    return this.#random.pick([...this.model.containers.keys()]) ?? '';
  }

  #snapshot(): string {
    return this.#random.pick([...this.model.snapshots.keys()]) ?? '';
  }

  #note(...words: readonly string[]): void {
    this.done.push(words.join(' '));
  }
}

function wordsIn(path: string): readonly string[] {
  return readFileSync(path, 'utf8').split(/\s+/).filter(Boolean);
}

/**
 * Init of a clone is a child of a keeper: only its arguments tell which shim is its own, by the id of the first of its company.
 * Its forks, which have the same ones, may last a moment longer than their work.
 */
async function shimOf(id: string, company: readonly string[]): Promise<number> {
  return await until(`${id} to have one shim`, async () => {
    const [shim, ...others] = (await Promise.all(company.map(findByArgument))).flat();
    return others.length === 0 && shim;
  });
}

test.serial(`random operations do what they should (${String(SECONDS)} s)`, async (t) => {
  t.timeout((SECONDS + 240) * 1000);
  process.stderr.write(`oracle: MVAS_ORACLE_SEED=${String(SEED)}\n`);
  const player = new Player(t, new Random(SEED));
  const end = Date.now() + SECONDS * 1000;
  try {
    while (Date.now() < end) await player.step();
    await player.check();
    await player.endAll();
  } catch (error) {
    t.log(`MVAS_ORACLE_SEED=${String(SEED)}`, ...player.done.map((line) => `\n${line}`));
    throw error;
  }
  t.log(`${String(player.done.length)} operations, MVAS_ORACLE_SEED=${String(SEED)}`);
});

leavesNothingBehind();
