// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { appTest } from '../e2e/app-tests.js';
import { daemon, leavesNothingBehind, useContainerd } from '../e2e/context.js';
import { packagedApp } from '../helpers/apps/app.js';
import { runExample } from '../helpers/examples.js';

const packaged = packagedApp('postgresql');
const load = ['/bin/sh', '/app/postgresql.sh'];

useContainerd([packaged.archive]);

appTest({
  ...packaged,
  name: 'PostgreSQL by TCP and by its unix socket',
  load: [...load, 'tcp', 'unix'],
});
appTest({
  ...packaged,
  name: 'PostgreSQL with parallel workers',
  load: [...load, 'tcp', 'unix', 'parallel'],
});

test.serial('each test has a PostgreSQL of its own', async (t) => {
  t.timeout(300_000);
  const request = { env: { IMAGE: packaged.image, TESTS: '4' }, timeoutMs: 200_000 };
  const { code, stdout, stderr } = await runExample(daemon(), 'postgres-per-test.sh', request);
  t.is(code, 0, stderr);
  t.log(stdout);
  t.is(stdout.match(/^test \d: .*before: 100000\|10000000, after: 50000\|/gm)?.length, 4);
  t.regex(stdout, /^median of 4 forks: \d+ ms$/m);
});

leavesNothingBehind();
