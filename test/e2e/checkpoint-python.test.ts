// SPDX-License-Identifier: Apache-2.0
import { PYTHON } from '../helpers/workloads/python.js';
import { checkpointTests } from './checkpoint-tests.js';

checkpointTests(PYTHON);
