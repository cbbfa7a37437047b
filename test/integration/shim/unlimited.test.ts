// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { formatJson } from '../../../src/common/big-json.js';
import { PrivateShim } from '../../helpers/private-shim.js';

const SLEEP = 'while :; do sleep 1; done';
/** RLIM_INFINITY: as a JavaScript number it would be one more, which runc refuses. */
const UNLIMITED = '18446744073709551615';
const RLIMITS = `[{"type":"RLIMIT_CORE","hard":${UNLIMITED},"soft":${UNLIMITED}}]`;

const coreLimitOf = (pid: number): string | undefined =>
  /^Max core file size .*$/m.exec(readFileSync(`/proc/${String(pid)}/limits`, 'utf8'))?.[0];

/** A spec with the limits, as text. */
function withLimits(spec: Record<string, unknown>): string {
  const process = { ...(spec['process'] as object), rlimits: '\u0000' };
  return formatJson({ ...spec, process }).replace('"\\u0000"', RLIMITS);
}

test('a process with an unlimited limit is added to a container that has one', async (t) => {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP, withLimits);
  const client = await shim.start('one');
  await client.create({ id: 'one', bundle });
  await client.start('one');
  const spec = `{"args":["/bin/busybox","sleep","1000"],"cwd":"/","rlimits":${RLIMITS}}`;
  await client.exec({ id: 'one', execId: 'added', spec: { value: Buffer.from(spec) } });
  const pid = await client.start('one', 'added');
  t.regex(coreLimitOf(pid) ?? '', /unlimited +unlimited/);
});

test('a container with an unlimited limit is restored in a cgroup of its own', async (t) => {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP, withLimits);
  const client = await shim.start('one');
  await client.create({ id: 'one', bundle });
  await client.start('one');
  const checkpoint = join(shim.directory, 'image');
  await client.checkpoint('one', checkpoint);
  const copy = shim.bundle('two', SLEEP, (spec) => {
    const linux = spec['linux'] as object;
    return withLimits({ ...spec, linux: { ...linux, cgroupsPath: `/${shim.namespace}/one` } });
  });
  const other = await shim.start('two');
  await other.create({ id: 'two', bundle: copy, checkpoint });
  t.true(readFileSync(join(copy, 'config.json'), 'utf8').includes(RLIMITS));
  const pid = await other.start('two');
  t.regex(readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8'), /\/two$/m);
  t.regex(coreLimitOf(pid) ?? '', /unlimited +unlimited/);
});
