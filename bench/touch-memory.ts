// SPDX-License-Identifier: Apache-2.0
import { addressOf, syscall } from '../src/native/index.js';
import { SYS } from '../src/native/sys.js';

/** Program: touches as many bytes as its argument says, in huge pages if the host has them, and exits. */

const CHUNK = 1 << 28;
const HUGE_PAGE = 0x200000n;
const MADV_HUGEPAGE = 14;

const chunks: Buffer[] = [];
for (let left = Number(process.argv[2]); left > 0; left -= CHUNK) {
  const chunk = Buffer.allocUnsafeSlow(CHUNK);
  const start = (addressOf(chunk) + HUGE_PAGE - 1n) & -HUGE_PAGE;
  syscall(SYS.madvise, start, BigInt(CHUNK) - HUGE_PAGE, MADV_HUGEPAGE);
  chunks.push(chunk.fill(1));
}
