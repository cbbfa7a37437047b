// SPDX-License-Identifier: Apache-2.0
import { LEASE_MODES, parseTtl } from '../common/lease-mode.js';
import type { LifeRequest } from '../criu/index.js';
import { UsageError } from './usage.js';

/** What ends a VAS that is being made. */
export const LIFE_OPTIONS = {
  ttl: {
    type: 'string',
    value: 'TIME',
    help: 'end the VAS when it has not been used for that long: 90s, 15m, 12h, 7d, or none',
  },
  lease: {
    type: 'string',
    value: 'WHAT',
    help: 'image: end the VAS with its metadata, the files or the content of containerd; or none',
  },
} as const;

/** @throws UsageError */
export function lifeRequestOf({
  ttl,
  lease,
}: {
  readonly ttl: string | undefined;
  readonly lease: string | undefined;
}): LifeRequest {
  const ttlMs = ttl === undefined ? undefined : parseTtl(ttl);
  if (ttl !== undefined && ttlMs === undefined) {
    throw new UsageError(`'--ttl ${ttl}': not a number with s, m, h or d`);
  }
  const mode = LEASE_MODES.find((one) => one === lease);
  if (lease !== undefined && mode === undefined) {
    throw new UsageError(`'--lease ${lease}': not one of ${LEASE_MODES.join(', ')}`);
  }
  return { ttlMs, lease: mode };
}
