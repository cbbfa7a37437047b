// SPDX-License-Identifier: Apache-2.0
import { appTest } from '../e2e/app-tests.js';
import { leavesNothingBehind, useContainerd } from '../e2e/context.js';
import { packagedApp } from '../helpers/apps/app.js';

const packaged = packagedApp('php');

useContainerd([packaged.archive]);
appTest({ ...packaged, name: 'nginx with php-fpm', load: ['/bin/sh', '/app/php.sh'] });
leavesNothingBehind();
