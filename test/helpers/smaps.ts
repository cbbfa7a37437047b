// SPDX-License-Identifier: Apache-2.0
import { toText, type ProcText } from '../../src/common/procfs/line.js';
import { encodeBytes } from '../../src/common/bytes.js';
import { decodeSmaps, type SmapsVma } from '../../src/criu/procfs/smaps.js';
import { parseAreas } from '../../src/native/index.js';

/** The areas of a text like /proc/PID/smaps, as `readSmaps` has them of a process. */
export function parseSmaps(content: ProcText): SmapsVma[] {
  return decodeSmaps(parseAreas(encodeBytes(toText(content))));
}
