// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runContainer, taskOf } from '../helpers/containers.js';
import { run } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

useContainerd([COUNTER.archive]);

function bundleOf(id: string): string {
  const tasks = join(daemon().directory, 'state', 'io.containerd.runtime.v2.task');
  return join(tasks, daemon().namespace, id);
}

/**
 * What `start` answers a containerd of this version when another protocol is asked for; undefined if that is an
 * address.
 */
async function expected(protocol: string): Promise<string | undefined> {
  const version = await run('containerd', ['--version']);
  if (/ v?2\.\d+\.\d+/.test(version)) return '"version":3,';
  return / v?1\.7\.\d+/.test(version) && protocol === 'grpc' ? '"protocol":"grpc"' : undefined;
}

const asked = test.macro(async (t: ExecutionContext, protocol: string) => {
  const id = containerId(t, protocol);
  const flags = ['--annotation', `mvas.protocol=${protocol}`];
  await runContainer(daemon(), { id, image: COUNTER.image, flags });
  const answer = await readFile(join(bundleOf(id), 'address'), 'utf8');
  const part = await expected(protocol);
  if (part === undefined) t.regex(answer, /^unix:\/\/\/\S+$/);
  else t.true(answer.includes(part), answer);

  t.is((await taskOf(daemon(), id)).status, 'RUNNING');
  const exec = ['tasks', 'exec', '--exec-id', 'e', id, '/bin/sh', '-c', 'echo out; exit 3'];
  t.like(await daemon().tryCtr(exec), { code: 3, stdout: 'out\n' });
  await daemon().ctr(['tasks', 'pause', id]);
  t.is((await taskOf(daemon(), id)).status, 'PAUSED');
  await daemon().ctr(['tasks', 'resume', id]);
  await remove(t, id);
  t.false(existsSync(bundleOf(id)));
});

if (!IS_RUNC) {
  test.serial('a container asks for gRPC', asked, 'grpc');
  test.serial('a container asks for ttrpc, version 3', asked, 'ttrpc-v3');
  test.serial('a protocol there is not fails the container with its name', async (t) => {
    const id = containerId(t, 'unknown');
    const flags = ['--annotation', 'mvas.protocol=smoke-signals'];
    const started = runContainer(daemon(), { id, image: COUNTER.image, flags });
    await t.throwsAsync(started, { message: /"smoke-signals" is none of ttrpc/ });
  });
  leavesNothingBehind();
}
