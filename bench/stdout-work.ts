// SPDX-License-Identifier: Apache-2.0
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import { PrivateContainerd } from '../test/helpers/containerd.js';
import { createContainer } from '../test/helpers/containers.js';
import { findByArgument, residentMemory } from '../test/helpers/procfs.js';
import { run } from '../test/helpers/run.js';
import { TasksClient } from '../test/helpers/tasks-client.js';
import { COUNTER } from '../test/helpers/workloads/counter.js';
import { median, round } from './figures.js';

const GIB = 1024 ** 3;
const BLOCK = 65536;

/** What copying 1 GiB from a container to the reader of its stdout takes. */
export interface StdoutFigures {
  readonly seconds: number;
  /** CPU time of the daemon, user and system. */
  readonly daemonCpuSeconds: number;
  /** Resident memory of the daemon before, and at most meanwhile. Bytes. */
  readonly daemonBefore: number;
  readonly daemonPeak: number;
}

/** Medians for each runtime, whose runs take turns. */
export async function measureStdout(
  runtimes: Readonly<Record<string, string>>,
  runs: number,
): Promise<Record<string, StdoutFigures>> {
  const containerd = await PrivateContainerd.start();
  try {
    await containerd.importImages(await COUNTER.archive());
    const seen = new Map(Object.keys(runtimes).map((name) => [name, [] as StdoutFigures[]]));
    for (let i = 0; i < runs; i++) {
      for (const [name, runtime] of Object.entries(runtimes)) {
        seen.get(name)?.push(await measureOnce(containerd, runtime));
      }
    }
    return Object.fromEntries([...seen].map(([name, all]) => [name, mediansOf(all)]));
  } finally {
    await containerd.stop();
  }
}

/** One `dd` writes in a container, and another reads its output: this program is not in between. */
async function measureOnce(containerd: PrivateContainerd, runtime: string): Promise<StdoutFigures> {
  const id = containerd.uniqueId('stdout');
  const stdout = join(containerd.directory, id);
  await run('mkfifo', [stdout]);
  const count = String(GIB / BLOCK);
  const args = ['/bin/dd', 'if=/dev/zero', `bs=${String(BLOCK)}`, `count=${count}`];
  await createContainer(containerd, { id, image: COUNTER.image, runtime, args });
  const tasks = await TasksClient.open(containerd);
  try {
    const read = run('dd', [`if=${stdout}`, 'of=/dev/null', `bs=${String(BLOCK)}`]);
    await tasks.create(id, { stdout, stderr: stdout }); // containerd's own shim needs both
    const shim = await shimOf(containerd, id);
    await writeFile(`/proc/${String(shim)}/clear_refs`, '5'); // resets the peak, proc(5)
    const { now } = await residentMemory(shim);
    const cpu = await cpuSeconds(shim);
    const begin = performance.now();
    await tasks.start(id);
    const ended = await tasks.wait(id);
    const { peak } = await residentMemory(shim);
    const daemonCpuSeconds = (await cpuSeconds(shim)) - cpu;
    await tasks.delete(id);
    await read;
    const seconds = (performance.now() - begin) / 1000;
    if (ended !== 0) throw new ShimError('internal', `dd ended with ${String(ended)}`);
    return { seconds, daemonCpuSeconds, daemonBefore: now, daemonPeak: peak };
  } finally {
    tasks.close();
    await rm(stdout, { force: true });
    await containerd.tryCtr(['containers', 'rm', id]);
  }
}

async function shimOf(containerd: PrivateContainerd, id: string): Promise<number> {
  const ours = new Set(await findByArgument(containerd.address));
  const shim = (await findByArgument(id)).find((pid) => ours.has(pid));
  if (shim === undefined) throw new ShimError('notFound', `no shim of ${id}`);
  return shim;
}

/** User and system time of a process, in ticks of 1/100 s (proc_pid_stat(5)). */
async function cpuSeconds(pid: number): Promise<number> {
  const line = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function mediansOf(all: readonly StdoutFigures[]): StdoutFigures {
  const of = (name: keyof StdoutFigures): number => round(median(all.map((one) => one[name])));
  return {
    seconds: of('seconds'),
    daemonCpuSeconds: of('daemonCpuSeconds'),
    daemonBefore: of('daemonBefore'),
    daemonPeak: of('daemonPeak'),
  };
}
