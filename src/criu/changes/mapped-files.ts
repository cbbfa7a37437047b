// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { readMaps } from '../procfs/reader.js';

/**
 * Paths of the files that processes may write to through shared mappings. Such writes show in a file's times only
 * when the kernel next writes the page to disk.
 */
export function mappedForWriting(pids: readonly HostPid[]): Set<string> {
  const areas = pids.flatMap((pid) => readMaps(pid));
  return new Set(areas.filter(({ shared, write }) => shared && write).map(({ path }) => path));
}
