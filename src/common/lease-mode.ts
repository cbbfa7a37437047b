// SPDX-License-Identifier: Apache-2.0
import { parseSpan } from './quantities.js';

/** What else ends a VAS: `image`, the end of its metadata, in a directory or in containerd; `none`, nothing. */
export const LEASE_MODES = ['none', 'image'] as const;

export type LeaseMode = (typeof LEASE_MODES)[number];

/** Milliseconds from its last use after which a VAS ends. */
export type Ttl = number | 'never';

/** `90s`, `15m`, `12h`, `7d`, or `none`; undefined for anything else. */
export function parseTtl(text: string): Ttl | undefined {
  return text === 'none' ? 'never' : parseSpan(text);
}
