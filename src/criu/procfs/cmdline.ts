// SPDX-License-Identifier: Apache-2.0
import { toText, type ProcText } from '../../common/procfs/line.js';

/**
 * Parses /proc/PID/cmdline: the arguments. A process may have overwritten them, so this is only for people to read;
 * empty for a zombie or kernel thread. Each argument ends with NUL, which the last one may lack.
 */
export function parseCmdline(content: ProcText): readonly string[] {
  const strings = toText(content).split('\0');
  if (strings.at(-1) === '') strings.pop();
  return strings;
}
