// SPDX-License-Identifier: Apache-2.0
import type { FoundFile } from '../kind.js';

/** The kernel's name for a file that lies in no file system: `eventfd`, `pidfd`; undefined for any other. */
export function anonymousName({ link }: FoundFile): string | undefined {
  if (link.startsWith('pidfd:')) return 'pidfd';
  return /^anon_inode:\[?(\w+)/.exec(link)?.[1];
}
