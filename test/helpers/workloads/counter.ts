// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { imageArchive } from '../images/archive.js';
import { RootFilesystem } from '../images/rootfs.js';
import { until } from '../run.js';
import type { Observation, Workload } from './workload.js';

// A shell with a child most of the time: the state of the loop is in the shell's memory alone.
const SCRIPT = `read birth < /proc/sys/kernel/random/uuid
i=0
trap 'exit 0' TERM
while :; do
  i=$((i + 1))
  echo "$birth $i" > /state.new
  mv /state.new /state
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

async function observe(pid: number): Promise<Observation> {
  const [birth = '', count = ''] = await until(`the counter of pid ${String(pid)}`, async () => {
    const words = (await readFile(`/proc/${String(pid)}/root/state`, 'utf8')).trim().split(' ');
    return words.length === 2 && words;
  });
  return { birth, progress: { count: Number(count) } };
}

/** A busybox shell that counts, with short-lived children. */
export const COUNTER: Workload = {
  name: 'counter',
  image: 'mvas.test/counter:1',
  observe,
  archive: async () => {
    const rootfs = new RootFilesystem();
    await rootfs.binary('/usr/bin/busybox', 'usr/bin/busybox');
    for (const applet of [
      'sh',
      'sleep',
      'mv',
      'cat',
      'echo',
      'ps',
      'kill',
      'true',
      'false',
      'id',
      'head',
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
    return await imageArchive('mvas.test/counter:1', rootfs, { args: ['/bin/sh', '/counter.sh'] });
  },
};
