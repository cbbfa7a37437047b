// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { daemon, leavesNothingBehind, useContainerd } from '../e2e/context.js';
import { packagedApp } from '../helpers/apps/app.js';
import { runExample } from '../helpers/examples.js';

const packaged = packagedApp('pandas');

useContainerd([packaged.archive]);

test.serial('a service that imports pandas is scaled out behind nginx', async (t) => {
  t.timeout(300_000);
  const request = { env: { IMAGE: packaged.image }, timeoutMs: 200_000 };
  const { code, stdout, stderr } = await runExample(daemon(), 'scale-out.sh', request);
  t.is(code, 0, stderr);
  t.log(stdout);
  t.is(stdout.match(/^ +8 web-[1-4]$/gm)?.length, 4);
});

leavesNothingBehind();
