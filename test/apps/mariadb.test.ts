// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { appTest } from '../e2e/app-tests.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from '../e2e/context.js';
import { appRequest, goesOn, packagedApp } from '../helpers/apps/app.js';
import { runContainer } from '../helpers/containers.js';
import { mvas } from '../helpers/mvas-command.js';

const packaged = packagedApp('mariadb');
const load = ['/bin/sh', '/app/mariadb.sh'];
const REMEDY = 'innodb-use-native-aio=0';

useContainerd([packaged.archive]);

test.serial('MariaDB as it comes is refused for its io_uring, with a remedy', async (t) => {
  const id = containerId(t, 'uring');
  const request = appRequest({ ...packaged, name: 'MariaDB', load });
  await goesOn(await runContainer(daemon(), { id, ...request }));
  const { code, stderr } = await mvas(daemon(), 'snapshot', id);
  t.is(code, 1);
  t.regex(stderr, new RegExp(`\\(mariadbd\\) .*an io_uring is not supported.*remedy: .*${REMEDY}`));
  await remove(t, id);
});

appTest({ ...packaged, name: 'MariaDB with that remedy', load: [...load, `--${REMEDY}`] });

leavesNothingBehind();
