// SPDX-License-Identifier: Apache-2.0
import { appTest } from '../e2e/app-tests.js';
import { leavesNothingBehind, useContainerd } from '../e2e/context.js';
import { packagedApp } from '../helpers/apps/app.js';

const packaged = packagedApp('jupyter');

useContainerd([packaged.archive]);
appTest({
  ...packaged,
  name: 'a Jupyter kernel with messages in flight',
  load: ['python3', '/app/jupyter-load.py'],
});
leavesNothingBehind();
