// SPDX-License-Identifier: Apache-2.0
import type { PrivateContainerd } from '../test/helpers/containerd.js';
import { removeContainer, runContainer } from '../test/helpers/containers.js';
import { COUNTER } from '../test/helpers/workloads/counter.js';
import { median, round } from './figures.js';
import { standbyIsWarm } from './warm-standby.js';

/** Runtimes by the names of their sides. */
export type Runtimes = Readonly<Record<string, string>>;

/** How long one thing takes, in milliseconds. */
export interface Latency {
  readonly medianMs: number;
  readonly allMs: readonly number[];
}

/** `ctr run --rm` of an echo, from the call to its end. */
export async function measureRun(
  containerd: PrivateContainerd,
  runtimes: Runtimes,
  pairs: number,
): Promise<Record<string, Latency>> {
  return await inTurn(runtimes, pairs, async (_, runtime) => {
    const id = containerd.uniqueId('echo');
    const flags = ['--rm', '--snapshotter', containerd.snapshotter, '--runtime', runtime];
    await containerd.ctr(['run', ...flags, COUNTER.image, id, 'echo', 'hello']);
  });
}

/** `ctr tasks exec` of a command that does nothing, in a container that runs. */
export async function measureExec(
  containerd: PrivateContainerd,
  runtimes: Runtimes,
  pairs: number,
): Promise<Record<string, Latency>> {
  const ids = new Map<string, string>();
  for (const [side, runtime] of Object.entries(runtimes)) {
    const id = containerd.uniqueId('exec');
    ids.set(side, id);
    await runContainer(containerd, { id, image: COUNTER.image, runtime, args: ['sleep', '10000'] });
  }
  try {
    return await inTurn(runtimes, pairs, async (side) => {
      await containerd.ctr(['tasks', 'exec', '--exec-id', 'e', ids.get(side) ?? '', 'true']);
    });
  } finally {
    for (const id of ids.values()) await removeContainer(containerd, id);
  }
}

/** Does the work for each side in turn, first once unmeasured, since the first run loads what later ones have. */
async function inTurn(
  runtimes: Runtimes,
  pairs: number,
  work: (side: string, runtime: string) => Promise<void>,
): Promise<Record<string, Latency>> {
  const seen = new Map(Object.keys(runtimes).map((side) => [side, [] as number[]]));
  for (let turn = 0; turn <= pairs; turn++) {
    if (turn === 1) await standbyIsWarm();
    for (const [side, runtime] of Object.entries(runtimes)) {
      const begin = performance.now();
      await work(side, runtime);
      if (turn > 0) seen.get(side)?.push(round(performance.now() - begin));
    }
  }
  const latencies = [...seen].map(
    ([side, allMs]) => [side, { medianMs: round(median(allMs)), allMs }] as const,
  );
  return Object.fromEntries(latencies);
}
