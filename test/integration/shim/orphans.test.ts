// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import test from 'ava';
import { PrivateShim } from '../../helpers/private-shim.js';
import { until } from '../../helpers/run.js';

const SLEEP = 'while :; do sleep 1; done';

/** Dead children that a process has not waited for. */
function zombiesOf(pid: number): number[] {
  const path = `/proc/${String(pid)}/task/${String(pid)}/children`;
  const children = readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.filter((child) => {
    try {
      return readFileSync(`/proc/${String(child)}/stat`, 'utf8').includes(') Z ');
    } catch {
      return false; // Reaped meanwhile.
    }
  });
}

test('orphans of a container in the host’s pid namespace are reaped while execs keep coming', async (t) => {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP, (spec) => {
    const linux = spec['linux'] as { namespaces: { type: string }[] };
    const namespaces = linux.namespaces.filter(({ type }) => type !== 'pid');
    return { ...spec, linux: { ...linux, namespaces } };
  });
  const client = await shim.start('one');
  // Each start of a process overlaps with the next one.
  const options = shim.runc('slow', 'case " $* " in *" exec "*) sleep 0.3;; esac; exec runc "$@"');
  await client.create({ id: 'one', bundle, options });
  await client.start('one');
  const { shimPid } = await client.connect('one');
  let isOver = false;
  let count = 0;
  const probe = async (script: string): Promise<void> => {
    count += 1;
    const execId = `probe-${String(count)}`;
    const args = ['/bin/busybox', 'sh', '-c', script];
    await client.exec({
      id: 'one',
      execId,
      spec: { value: Buffer.from(JSON.stringify({ args, cwd: '/' })) },
    });
    await client.start('one', execId);
    t.is(await client.wait('one', execId), 0);
    await client.delete('one', execId);
  };
  const probing = async (): Promise<void> => {
    while (!isOver) await probe(':');
  };
  // One after the other: some of them end once others are being started, however busy the machine is.
  await probe('for i in $(busybox seq 20); do (busybox usleep $((i * 200000)) &); done');
  const probes = Promise.all([probing(), probing(), probing()]);
  await until('orphans to have died', () => Promise.resolve(zombiesOf(shimPid).length > 0));
  const orphans = zombiesOf(shimPid);
  await until('them to be reaped', () => {
    const left = zombiesOf(shimPid);
    return Promise.resolve(!orphans.some((pid) => left.includes(pid)));
  });
  isOver = true;
  await probes;
});
