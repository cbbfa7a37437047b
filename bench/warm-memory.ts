// SPDX-License-Identifier: Apache-2.0
import { run } from '../test/helpers/run.js';

/**
 * Touches so much memory and gives it back. On a virtual machine the first touch of a page that the host
 * has not backed yet takes many times as long as any later one; whoever is measured first would pay for
 * all that come after.
 */
export async function warmMemory(bytes: number): Promise<void> {
  const most = 8 * 1024 * 1024 * 1024;
  const size = String(Math.min(bytes, most));
  const program = `for (let left = ${size}; left > 0; left -= 1 << 28) (globalThis.all ??= []).push(Buffer.alloc(1 << 28, 1))`;
  await run(process.execPath, ['-e', program]);
}
