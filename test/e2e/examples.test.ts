// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { readdirSync } from 'node:fs';
import test from 'ava';
import { CONNECTIONS } from '../helpers/apps/python.js';
import { runExample } from '../helpers/examples.js';
import { REPOSITORY } from '../helpers/paths.js';
import { tryRun } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { daemon, leavesNothingBehind, useContainerd } from './context.js';

useContainerd([COUNTER.archive, CONNECTIONS.archive]);

test.serial('a tree of attempts ends with the one that succeeds', async (t) => {
  t.timeout(120_000);
  const env = { IMAGE: COUNTER.image, GOAL: '5' };
  const request = { env, timeoutMs: 100_000 };
  const { code, stdout, stderr } = await runExample(daemon(), 'attempts.sh', request);
  t.is(code, 0, stderr);
  t.is(stdout.match(/^attempt \d in agent-\d failed; put back within \d+ ms$/gm)?.length, 4);
  t.regex(stdout, /attempt 5 in agent-2 succeeded; its notes: 5\n/);
  t.regex(stdout, /^agent-ready .*\n(.*\n)*.*└─ agent-solved .*\n {3}└─ agent-2 /m);
});

test.serial('a service is scaled out behind nginx', async (t) => {
  t.timeout(120_000);
  const env = { IMAGE: CONNECTIONS.image, CLONES: '3', MODULES: 'asyncio decimal xml.dom.minidom' };
  const request = { env, timeoutMs: 100_000 };
  const { code, stdout, stderr } = await runExample(daemon(), 'scale-out.sh', request);
  t.is(code, 0, stderr);
  t.regex(stdout, /^a cold start: \d+ ms/m);
  t.regex(stdout, /^3 clones: \d+ ms .*, \d+ ms for one$/m);
  const answers = Array.from(stdout.matchAll(/^ +(\d+) (\S+)$/gm), ([, count, who]) => [
    who,
    count,
  ]);
  t.deepEqual(answers, [
    [hostname(stdout), '10'],
    ['web-1', '10'],
    ['web-2', '10'],
    ['web-3', '10'],
  ]);
});

/** The name of the instance that was started cold. */
function hostname(stdout: string): string {
  const [, name = ''] = /^ +\d+ (?!web-)(\S+)$/m.exec(stdout) ?? [];
  return name;
}

test.serial('an example starts a containerd of its own, and leaves nothing', async (t) => {
  t.timeout(120_000);
  const env = { ...process.env, CONTAINERD_ADDRESS: '', GOAL: '1' };
  const before = traces();
  const script = join(REPOSITORY, 'examples', 'attempts.sh');
  const options = { env, timeoutMs: 100_000 };
  const { code, stdout, stderr } = await tryRun('bash', [script], options);
  t.is(code, 0, stderr);
  t.regex(stdout, /attempt 1 in agent-1 succeeded; its notes: 1\n/);
  t.deepEqual(traces(), before);
});

/** What a containerd of an example leaves while it runs. */
function traces(): string[] {
  const places = ['/var/tmp', '/run/containerd/runc', '/sys/fs/cgroup', '/sys/fs/cgroup/memory'];
  return places.flatMap((place) =>
    readdirSync(place).filter((name) => /^(mvas-)?example-/.test(name)),
  );
}

leavesNothingBehind();
