// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { run } from '../test/helpers/run.js';

const PROGRAM = fileURLToPath(new URL('./touch-memory.js', import.meta.url));
const MOST = 8 * 1024 * 1024 * 1024;

/**
 * Touches so much memory and gives it back. On a virtual machine the first touch of a page that the host
 * has not backed yet takes many times as long as any later one; whoever is measured first would pay for
 * all that come after. Huge pages, since the kernel hands those out first that are whole.
 */
export async function warmMemory(bytes: number): Promise<void> {
  await run(process.execPath, [PROGRAM, String(Math.min(bytes, MOST))]);
}
