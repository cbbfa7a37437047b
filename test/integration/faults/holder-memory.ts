// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { asHostTid } from '../../../src/common/ids.js';
import { readMaps } from '../../../src/criu/procfs/reader.js';
import { textOf } from './harness.js';

const WORK_SIZE = 0x40000000n;
const CHUNK = 1 << 20;

/**
 * SHA-256 over all that a holder holds: each mapping except those in its own work range (code, stack, vDSO), with its
 * bounds, protection and bytes.
 */
export function hashHolder(pid: number): string {
  const base = BigInt(recordOf(pid));
  const hash = createHash('sha256');
  const memory = openSync(`/proc/${String(pid)}/mem`, 'r');
  try {
    for (const vma of readMaps(asHostTid(pid))) {
      const isOwn = vma.start >= base && vma.end <= base + WORK_SIZE;
      if (isOwn || vma.special === '[vsyscall]') continue;
      const rights = `${String(vma.read)}${String(vma.write)}${String(vma.exec)}`;
      hash.update(`${vma.start.toString(16)}-${vma.end.toString(16)} ${rights}\n`);
      for (let at = vma.start; at < vma.end; at += BigInt(CHUNK)) {
        const length = vma.end - at < CHUNK ? Number(vma.end - at) : CHUNK;
        const chunk = Buffer.alloc(length);
        readSync(memory, chunk, 0, length, at);
        hash.update(chunk);
      }
    }
  } finally {
    closeSync(memory);
  }
  return hash.digest('hex');
}

/** Where a holder's work range begins: `base` of the only VAS whose socket belongs to it. */
function recordOf(pid: number): string {
  const root = process.env['MVAS_ROOT'] ?? '';
  const id = /\/mvas\/([0-9a-f]{32})$/m.exec(textOf(`/proc/${String(pid)}/cgroup`))?.[1] ?? '';
  const record = JSON.parse(textOf(join(root, id, 'vas.json'))) as { base: string };
  return record.base;
}
