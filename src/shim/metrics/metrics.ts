// SPDX-License-Identifier: Apache-2.0
import { anyOf } from '../proto/codec.js';
import { Metrics as MetricsV1 } from '../proto/messages/metrics-v1.js';
import { Metrics as MetricsV2 } from '../proto/messages/metrics-v2.js';
import type { AnyValue } from '../proto/values.js';
import type { ContainerCgroup } from './container-cgroup.js';
import { readMetricsV1 } from './v1.js';
import { readMetricsV2 } from './v2.js';

/** A container's current usage, as the message for its cgroup's version. */
export function readMetrics(cgroup: ContainerCgroup): AnyValue {
  return cgroup.version === 1
    ? anyOf(MetricsV1, readMetricsV1(cgroup.directories))
    : anyOf(MetricsV2, readMetricsV2(cgroup.directory));
}
