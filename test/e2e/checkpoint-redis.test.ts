// SPDX-License-Identifier: Apache-2.0
import { redisWorkload } from '../helpers/workloads/redis.js';
import { checkpointTests } from './checkpoint-tests.js';

checkpointTests(redisWorkload(Number(process.env['MVAS_E2E_REDIS_MIB'] ?? '256')), {
  hasAllHeirs: true,
});
