// SPDX-License-Identifier: Apache-2.0
import { NGINX } from '../helpers/workloads/nginx.js';
import { checkpointTests } from './checkpoint-tests.js';

checkpointTests(NGINX, { criuRefuses: 'limits of another uid need CAP_SYS_RESOURCE' });
