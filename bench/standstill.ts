// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

/** What the sampling thread is told: the process to watch, and a flag that ends the watch. */
interface Watch {
  readonly pid: number;
  readonly stop: SharedArrayBuffer;
}

const PERIOD_MS = 0.5;

/**
 * Measures how long a process stood still while `work` ran, sampled from outside every half
 * millisecond: its cgroup is frozen, or a tracer holds it. Independent of what any engine
 * reports about itself.
 */
export async function standstillDuring<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly standstillMs: number }> {
  const stop = new SharedArrayBuffer(4);
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { pid, stop } satisfies Watch,
  });
  const result = new Promise<number>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (message: number | 'ready') => {
      if (typeof message === 'number') resolve(message);
    });
  });
  await new Promise<void>((resolve) => {
    worker.once('message', () => {
      resolve();
    });
  });
  try {
    const value = await work();
    Atomics.store(new Int32Array(stop), 0, 1);
    return { value, standstillMs: await result };
  } finally {
    Atomics.store(new Int32Array(stop), 0, 1);
  }
}

/** Files that show whether the cgroup of a process is frozen: v1's freezer, or v2's events. */
function freezerFiles(pid: number): string[] {
  const lines = readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8')
    .trim()
    .split('\n');
  return lines
    .map((line) => line.split(':'))
    .flatMap(([, controllers, ...path]) => {
      const group = path.join(':');
      if (controllers === 'freezer')
        return [join('/sys/fs/cgroup/freezer', group, 'freezer.state')];
      return controllers === '' ? [join('/sys/fs/cgroup', group, 'cgroup.events')] : [];
    })
    .filter((file) => existsSync(file));
}

// A task held by a tracer may show as running or sleeping: then it runs the tracer's code.
function standsStill(status: string, freezers: readonly string[]): boolean {
  if (/^TracerPid:\s+[1-9]/m.test(readFileSync(status, 'utf8'))) return true;
  return freezers.some((file) => /^FROZEN|^frozen 1/m.test(readFileSync(file, 'utf8')));
}

function sample({ pid, stop }: Watch): void {
  const flag = new Int32Array(stop);
  const freezers = freezerFiles(pid);
  parentPort?.postMessage('ready');
  let total = 0;
  let before = performance.now();
  while (Atomics.wait(flag, 0, 0, PERIOD_MS) === 'timed-out') {
    const now = performance.now();
    try {
      if (standsStill(`/proc/${String(pid)}/status`, freezers)) total += now - before;
    } catch {
      break; // the process is gone
    }
    before = now;
  }
  parentPort?.postMessage(total);
}

if (!isMainThread) sample(workerData as Watch);
