// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { run } from '../test/helpers/run.js';

const PROGRAM = fileURLToPath(new URL('./touch-memory.js', import.meta.url));
const MOST = 8 * 1024 * 1024 * 1024;

/**
 * Touches this much memory and frees it. On a virtual machine the first touch of a page that the host
 * has not backed yet takes many times as long as any later one; the side that is measured first would pay
 * for all later ones. Uses huge pages, since the kernel hands out whole ones first.
 */
export async function warmMemory(bytes: number): Promise<void> {
  await run(process.execPath, [PROGRAM, String(Math.min(bytes, MOST))]);
}
