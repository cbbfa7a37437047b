// SPDX-License-Identifier: Apache-2.0
import { PrivateContainerd } from '../test/helpers/containerd.js';
import { COUNTER } from '../test/helpers/workloads/counter.js';
import { measureExec, measureRun, type Latency, type Runtimes } from './latency-work.js';
import { measureMemory, type PodMemory } from './memory-work.js';
import type { Part } from './options.js';
import { STANDBY_STAYS } from './warm-standby.js';

/** Fewer pairs than this do not tell one runtime from another on a busy machine. */
const PAIRS = 15;

/** What ordinary containers cost, by side, for the parts asked for. */
export interface ShimFigures {
  readonly run?: Readonly<Record<string, Latency>>;
  readonly exec?: Readonly<Record<string, Latency>>;
  readonly memory?: Readonly<Record<string, readonly PodMemory[]>>;
}

/** Measures what shims cost that checkpoint nothing, all on the same containerd. */
export async function measureShims(
  runtimes: Runtimes,
  parts: readonly Part[],
  say: (message: string) => void,
): Promise<ShimFigures> {
  if (!parts.some((part) => part === 'run' || part === 'exec' || part === 'memory')) return {};
  const containerd = await PrivateContainerd.start({ env: STANDBY_STAYS });
  try {
    await containerd.importImages(await COUNTER.archive());
    const when = async <T>(part: Part, measure: () => Promise<T>): Promise<T | undefined> => {
      if (!parts.includes(part)) return undefined;
      say(`${part}: ${Object.keys(runtimes).join(' and ')} in turn`);
      return await measure();
    };
    const run = await when('run', () => measureRun(containerd, runtimes, PAIRS));
    const exec = await when('exec', () => measureExec(containerd, runtimes, PAIRS));
    const memory = await when('memory', () => measureMemory(containerd, runtimes));
    return { ...(run && { run }), ...(exec && { exec }), ...(memory && { memory }) };
  } finally {
    await containerd.stop();
  }
}
