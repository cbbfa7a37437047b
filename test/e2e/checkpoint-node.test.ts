// SPDX-License-Identifier: Apache-2.0
import { NODE } from '../helpers/workloads/node.js';
import { checkpointTests } from './checkpoint-tests.js';

checkpointTests(NODE);
