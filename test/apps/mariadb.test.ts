// SPDX-License-Identifier: Apache-2.0
import { appTest } from '../e2e/app-tests.js';
import { leavesNothingBehind, useContainerd } from '../e2e/context.js';
import { packagedApp } from '../helpers/apps/app.js';

const packaged = packagedApp('mariadb');
const load = ['/bin/sh', '/app/mariadb.sh'];

useContainerd([packaged.archive]);

appTest({ ...packaged, name: 'MariaDB', load });

appTest({
  ...packaged,
  name: 'MariaDB without io_uring',
  load: [...load, '--innodb-use-native-aio=0'],
});

leavesNothingBehind();
