// SPDX-License-Identifier: Apache-2.0
import { asHostPid, type HostPid } from '../../common/ids.js';
import { Line, toText, type ProcText } from '../../common/procfs/line.js';

/**
 * Parses /proc/PID/task/TID/children: ids of the processes that this thread forked, oldest first. Reliable only
 * while all of them stand still. Source: proc_tid_children(5).
 */
export function parseChildren(content: ProcText): readonly HostPid[] {
  const line = new Line('children', toText(content));
  const [, ids] = line.match(/^([0-9 ]*)\n?$/);
  return line.integers(ids).map(asHostPid);
}
