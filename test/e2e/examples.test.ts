// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import test from 'ava';
import { vasRoot } from '../helpers/containerd-cleanup.js';
import { BIN, REPOSITORY } from '../helpers/paths.js';
import { tryRun } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { daemon, leavesNothingBehind, useContainerd } from './context.js';

useContainerd([COUNTER.archive]);

test.serial('a tree of attempts ends with the one that succeeds', async (t) => {
  t.timeout(120_000);
  const env = {
    ...process.env,
    PATH: `${BIN}:${process.env['PATH'] ?? ''}`,
    CONTAINERD_ADDRESS: daemon().address,
    CONTAINERD_NAMESPACE: daemon().namespace,
    CONTAINERD_SNAPSHOTTER: daemon().snapshotter,
    MVAS_ROOT: vasRoot(daemon()),
    MVAS_STANDBY: '0',
    IMAGE: COUNTER.image,
    GOAL: '5',
  };
  const script = join(REPOSITORY, 'examples', 'attempts.sh');
  const { code, stdout, stderr } = await tryRun('bash', [script], { env, timeoutMs: 100_000 });
  t.is(code, 0, stderr);
  t.is(stdout.match(/^attempt \d in agent-\d failed; put back within \d+ ms$/gm)?.length, 4);
  t.regex(stdout, /attempt 5 in agent-2 succeeded; its notes: 5\n/);
  t.regex(stdout, /^agent-ready .*\n(.*\n)*.*└─ agent-solved .*\n {3}└─ agent-2 /m);
});

leavesNothingBehind();
