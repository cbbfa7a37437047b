// SPDX-License-Identifier: Apache-2.0
import { appTest } from '../e2e/app-tests.js';
import { leavesNothingBehind, useContainerd } from '../e2e/context.js';
import { packagedApp } from '../helpers/apps/app.js';

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

leavesNothingBehind();
