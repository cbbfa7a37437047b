// SPDX-License-Identifier: Apache-2.0
import { Line, toText, type ProcText } from '../../common/procfs/line.js';

/** Parses /proc/PID/personality: PER_* bits of personality(2). */
export function parsePersonality(content: ProcText): number {
  const text = toText(content).trimEnd();
  return new Line('personality', text).hexInteger(text);
}
