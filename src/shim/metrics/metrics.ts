// SPDX-License-Identifier: Apache-2.0
import { encode } from '../proto/codec.js';
import { METRICS_V1_URL, MetricsV1 } from '../proto/metrics-v1.js';
import { METRICS_V2_URL, MetricsV2 } from '../proto/metrics-v2.js';
import type { AnyValue } from '../proto/types.js';
import type { ContainerCgroup } from './container-cgroup.js';
import { readMetricsV1 } from './v1.js';
import { readMetricsV2 } from './v2.js';

/** What a container uses now, as the message of its cgroup's version. */
export function readMetrics(cgroup: ContainerCgroup): AnyValue {
  return cgroup.version === 1
    ? { typeUrl: METRICS_V1_URL, value: encode(MetricsV1, readMetricsV1(cgroup.directories)) }
    : { typeUrl: METRICS_V2_URL, value: encode(MetricsV2, readMetricsV2(cgroup.directory)) };
}
