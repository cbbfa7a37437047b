// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

/** What containerd wrote to stdin: runtime options, or nothing. Read to its end. */
export function readStdin(): Uint8Array {
  try {
    return readFileSync(0);
  } catch {
    return new Uint8Array(0); // Closed: no options.
  }
}
