// SPDX-License-Identifier: Apache-2.0
import { COUNTER } from '../helpers/workloads/counter.js';
import { checkpointTests } from './checkpoint-tests.js';

checkpointTests(COUNTER);
