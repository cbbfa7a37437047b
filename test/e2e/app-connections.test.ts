// SPDX-License-Identifier: Apache-2.0
import { CONNECTIONS } from '../helpers/apps/python.js';
import { appTest } from './app-tests.js';
import { leavesNothingBehind, useContainerd } from './context.js';

useContainerd([CONNECTIONS.archive]);
appTest(CONNECTIONS);
leavesNothingBehind();
