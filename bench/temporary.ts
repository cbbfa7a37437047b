// SPDX-License-Identifier: Apache-2.0
import { mkdtemp } from 'node:fs/promises';

/** Makes a private directory in tmpfs, so that no side waits for a disk. The caller removes it. */
export async function temporaryInMemory(): Promise<string> {
  return await mkdtemp('/dev/shm/mvas-bench-');
}
