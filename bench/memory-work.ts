// SPDX-License-Identifier: Apache-2.0
import { readFile, readdir } from 'node:fs/promises';
import type { PrivateContainerd } from '../test/helpers/containerd.js';
import { removeContainer, runContainer } from '../test/helpers/containers.js';
import { COUNTER } from '../test/helpers/workloads/counter.js';
import { wordsOf } from '../test/helpers/standbys.js';
import type { Runtimes } from './latency-work.js';

/** Numbers of containers in one pod. */
const COUNTS = [1, 50];
const POD = 'io.kubernetes.cri.sandbox-id';

/** Memory of the processes that a runtime keeps running for a pod, in bytes. */
export interface PodMemory {
  readonly containers: number;
  readonly daemons: number;
  /** Proportional and resident set of the daemons (smaps_rollup). */
  readonly daemonPss: number;
  readonly daemonRss: number;
  /** Proportional set of processes that wait for the next start; none with containerd's own shim. */
  readonly standbyPss: number;
}

/** The memory of the shims with 1 and with 50 containers of one pod. */
export async function measureMemory(
  containerd: PrivateContainerd,
  runtimes: Runtimes,
): Promise<Record<string, readonly PodMemory[]>> {
  const result: Record<string, readonly PodMemory[]> = {};
  for (const [side, runtime] of Object.entries(runtimes)) {
    result[side] = await measurePod(containerd, runtime);
  }
  return result;
}

async function measurePod(containerd: PrivateContainerd, runtime: string): Promise<PodMemory[]> {
  const flags = ['--annotation', `${POD}=${containerd.uniqueId('pod')}`];
  const request = { image: COUNTER.image, runtime, args: ['sleep', '10000'], flags };
  const ids: string[] = [];
  const seen: PodMemory[] = [];
  try {
    for (const count of COUNTS) {
      while (ids.length < count) {
        const id = containerd.uniqueId(`pod-${String(ids.length)}`);
        ids.push(id);
        await runContainer(containerd, { id, ...request });
      }
      seen.push({ containers: count, ...(await shimMemory(containerd, runtime)) });
    }
  } finally {
    for (const id of ids) await removeContainer(containerd, id);
  }
  return seen;
}

/** The memory of all shims that were given this containerd's address for events. */
async function shimMemory(
  containerd: PrivateContainerd,
  runtime: string,
): Promise<Omit<PodMemory, 'containers'>> {
  const name = `containerd-shim-${runtime.split('.').slice(-2).join('-')}`;
  const mark = `TTRPC_ADDRESS=${containerd.address}.ttrpc`;
  const total = { daemons: 0, daemonPss: 0, daemonRss: 0, standbyPss: 0 };
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const words = wordsOf(pid, 'cmdline');
    const isOurs = words[0]?.endsWith(name) === true;
    if (!isOurs || !wordsOf(pid, 'environ').includes(mark)) continue;
    const { pss, rss } = await setsOf(pid);
    if (words.includes('standby')) {
      total.standbyPss += pss;
    } else {
      total.daemons += 1;
      total.daemonPss += pss;
      total.daemonRss += rss;
    }
  }
  return total;
}

async function setsOf(pid: string): Promise<{ readonly pss: number; readonly rss: number }> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const of = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { pss: of('Pss'), rss: of('Rss') };
}
