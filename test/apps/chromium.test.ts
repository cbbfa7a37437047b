// SPDX-License-Identifier: Apache-2.0
import { appTest } from '../e2e/app-tests.js';
import { leavesNothingBehind, useContainerd } from '../e2e/context.js';
import { packagedApp } from '../helpers/apps/app.js';

const packaged = packagedApp('chromium');

useContainerd([packaged.archive]);
appTest({
  ...packaged,
  name: 'headless Chromium with an open DevTools connection',
  load: ['python3', '/app/chromium-load.py'],
  flags: ['--seccomp'], // as Docker and CRI do
});
leavesNothingBehind();
