// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { ShimError } from '../src/common/errors.js';
import { Scope } from '../src/common/scope.js';
import { PrivateContainerd } from '../test/helpers/containerd.js';
import { removeContainer, runContainer } from '../test/helpers/containers.js';
import { COUNTER } from '../test/helpers/workloads/counter.js';
import { redisArchive } from '../test/helpers/workloads/redis.js';
import { measureChanges, type Changes } from './changes-work.js';
import { changesTable, clonesTable, postgresTable } from './clones-report.js';
import { forkByCriu } from './criu-clones.js';
import { restorePostgres } from './criu-postgres.js';
import { findCriu } from './criu-side.js';
import { median, round } from './figures.js';
import { forkByMvas, timedMvas, type Clones, type ForkWork } from './fork-side.js';
import { forkPostgres, type PostgresForks } from './postgres-work.js';
import { RuncContainers } from './runc-containers.js';
import { temporaryInMemory } from './temporary.js';
import { STANDBY_STAYS, standbyIsWarm } from './warm-standby.js';

/** What one fork makes, as the bars name it. */
const FEW: ForkWork = { mib: 300, count: 8 };
/** For the memory of each, where there are many. */
const MANY: ForkWork = { mib: 64, count: 64 };
const TESTS = 8;
const CHANGES_MIB = [1, 1024];

/** By side; null for one that cannot. */
type Sides<T> = Readonly<Record<'mvas' | 'criu', T | null>>;

/** What clones cost. */
export interface ClonesResult {
  /** Eight of a redis of 300 MiB. */
  readonly fork: Sides<Clones>;
  /** 64 at once, of a redis of 64 MiB. */
  readonly many: Clones;
  /** A fork of a snapshot where little and where much was changed in the root filesystem. */
  readonly changes: readonly Changes[];
  /** A PostgreSQL for a test. */
  readonly postgres: Sides<PostgresForks>;
}

type Say = (message: string) => void;

/** Measures forks and rollbacks beside the same by runc and CRIU, in turns; prints a table of each kind. */
export async function measureClones(runs: number, say: Say): Promise<ClonesResult> {
  const scope = new Scope();
  try {
    const containerd = await openContainerd(scope);
    const criu = await openCriu(scope, say);
    const fork = await forkInTurns(containerd, criu?.containers, { runs, say });
    process.stdout.write(`\n${clonesTable(FEW, fork)}\n`);
    say('64 clones at once');
    const many = await forkByMvas(containerd, MANY);
    process.stdout.write(`\n${clonesTable(MANY, { mvas: many, criu: null })}\n`);
    const changes: Changes[] = [];
    for (const mib of CHANGES_MIB) {
      say(`forks of a root filesystem with ${String(mib)} MiB of changes`);
      changes.push(await measureChanges(containerd, mib, runs));
    }
    process.stdout.write(`\n${changesTable(changes)}\n`);
    const postgres = await measurePostgres(containerd, criu?.directory, say);
    process.stdout.write(`\n${postgresTable(postgres)}\n`);
    return { fork, many, changes, postgres };
  } finally {
    await scope.close();
  }
}

/** A containerd with the images, and with standbys of the shim and of the command that have warmed up. */
async function openContainerd(scope: Scope): Promise<PrivateContainerd> {
  const temporary = await temporaryInMemory();
  scope.defer('remove files', () => rm(temporary, { recursive: true, force: true }));
  const containerd = await PrivateContainerd.start({ temporary, env: STANDBY_STAYS });
  scope.defer('stop containerd', () => containerd.stop());
  await containerd.importImages(await redisArchive(), await COUNTER.archive());
  const id = containerd.uniqueId('first');
  await runContainer(containerd, { id, image: COUNTER.image });
  const [snapshot] = await timedMvas(containerd, 'snapshot', id);
  await timedMvas(containerd, 'rm', snapshot.trim());
  await removeContainer(containerd, id);
  await standbyIsWarm();
  return containerd;
}

/** Where CRIU is, and containers for it; undefined, after printing the reason, if it is not available. */
async function openCriu(scope: Scope, say: Say) {
  try {
    const { directory } = await findCriu();
    const containers = await RuncContainers.open(directory);
    scope.defer('clean up after runc', () => containers.close());
    return { directory, containers };
  } catch (error) {
    say(`no comparison with runc and CRIU: ${ShimError.from(error).message}`);
    return undefined;
  }
}

/** Both sides in turn, so that other load on the machine affects both. */
async function forkInTurns(
  containerd: PrivateContainerd,
  containers: RuncContainers | undefined,
  { runs, say }: { readonly runs: number; readonly say: Say },
): Promise<Sides<Clones>> {
  const [ours, theirs] = [[] as Clones[], [] as Clones[]];
  for (let run = 1; run <= runs; run++) {
    say(`a redis into eight, run ${String(run)} of ${String(runs)}`);
    ours.push(await forkByMvas(containerd, FEW));
    if (containers) theirs.push(await forkByCriu(containers, FEW));
  }
  return { mvas: mediansOf(ours), criu: mediansOf(theirs) };
}

function mediansOf(series: readonly Clones[]): Clones | null {
  const [first] = series;
  if (!first) return null;
  const names = Object.keys(first) as (keyof Clones)[];
  const entries = names.map((name) => [name, round(median(series.map((one) => one[name])))]);
  return Object.fromEntries(entries) as Clones;
}

async function measurePostgres(
  containerd: PrivateContainerd,
  criuDirectory: string | undefined,
  say: Say,
): Promise<Sides<PostgresForks>> {
  const attempt = async (work: () => Promise<PostgresForks>): Promise<PostgresForks | null> => {
    try {
      return await work();
    } catch (error) {
      say(`no figures of PostgreSQL: ${ShimError.from(error).message}`);
      return null;
    }
  };
  say('a PostgreSQL for each test');
  const ours = await attempt(() => forkPostgres(containerd, TESTS));
  if (criuDirectory === undefined) return { mvas: ours, criu: null };
  return { mvas: ours, criu: await attempt(() => restorePostgres(criuDirectory, TESTS)) };
}
