// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { imageArchive } from '../images/archive.js';
import { RootFilesystem } from '../images/rootfs.js';
import { until } from '../run.js';
import type { Observation, Workload } from './workload.js';

// A shell with a child most of the time: the state of the loop is only in the shell's memory. Its file
// is never renamed: a restore finds it open even if the root filesystem has changed since.
const SCRIPT = `read birth < /proc/sys/kernel/random/uuid
i=0
trap 'exit 0' TERM
while :; do
  i=$((i + 1))
  echo "$birth $i" >> /state
  sleep 0.02
done
`;

/** A program of the counter's image that numbers the lines it reads, each number on stderr as well. */
export const LINE_NUMBERS = ['/bin/sh', '/lines.sh'];

const LINES_SCRIPT = `n=0
while read line; do
  n=$((n + 1))
  echo "$n $line"
  echo "line $n" >&2
done
exit $n
`;

/** What a counter has written last. */
export interface Count {
  /** Chosen at random when it began. */
  readonly birth: string;
  readonly count: number;
}

/** A program in the counter's container that prints what {@link counting} reads. */
export const TELL_COUNT = ['/bin/tail', '-n', '1', '/state'];

/**
 * Waits until a counter is seen to advance: its file, which a restore finds as it is, does not by itself
 * prove that a process runs.
 */
export async function counting(tell: () => Promise<string>): Promise<Count> {
  const first = await until('the counter to begin', async () => counted(await tell()));
  return await until('the counter to go on', async () => {
    const later = counted(await tell());
    return later !== undefined && later.count !== first.count && later;
  });
}

/** The last complete line: the file may end in a line that is being written. */
function counted(text: string): Count | undefined {
  const [birth = '', count = ''] = (text.split('\n').at(-2) ?? '').split(' ');
  return Number(count) > 0 ? { birth, count: Number(count) } : undefined;
}

async function observe(pid: number): Promise<Observation> {
  const { birth, count } = await until(`the counter of pid ${String(pid)}`, async () => {
    return counted(await readFile(`/proc/${String(pid)}/root/state`, 'utf8'));
  });
  return { birth, progress: { count } };
}

/** The root filesystem of the counter's image. */
export async function counterRoot(): Promise<RootFilesystem> {
  const rootfs = new RootFilesystem();
  await rootfs.binary('/usr/bin/busybox', 'usr/bin/busybox');
  for (const applet of [
    'sh',
    'sleep',
    'cat',
    'echo',
    'ps',
    'kill',
    'true',
    'false',
    'id',
    'head',
    'tail',
    'seq',
    'stty',
    'tty',
    'dd',
    'wc',
  ]) {
    rootfs.symlink(`usr/bin/${applet}`, 'busybox');
  }
  rootfs.content('counter.sh', SCRIPT);
  rootfs.content('lines.sh', LINES_SCRIPT);
  return rootfs;
}

/** A busybox shell that counts, with short-lived children. */
export const COUNTER: Workload = {
  name: 'counter',
  image: 'mvas.test/counter:1',
  ahead: 400, // it counts by itself, up to 50 a second
  observe,
  archive: async () =>
    await imageArchive('mvas.test/counter:1', await counterRoot(), {
      args: ['/bin/sh', '/counter.sh'],
    }),
};
