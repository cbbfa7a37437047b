// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { KernelDevice, type KernelKind, type KernelObject } from '../criu/index.js';
import { formatBytes, formatTable } from './text.js';

/** Options of mvas-cli, and the kinds of objects that each lists. */
export const LISTS: Readonly<Record<string, readonly KernelKind[]>> = {
  '-la': ['vas', 'segment'],
  '-lv': ['vas'],
  '-ls': ['segment'],
};

const HEAD = ['KIND', 'ID', 'NAME', 'MODE', 'UID', 'GID', 'SIZE', 'START'];

/**
 * A table of what the kernel keeps.
 *
 * @throws ShimError `failedPrecondition` where the module is not loaded, or not for us
 */
export function listKernel(kinds: readonly KernelKind[]): string {
  const device = KernelDevice.tryOpen();
  if (!device) {
    const message = 'the module mvas is not loaded (no /dev/mvas), or is not for this user';
    throw new ShimError('failedPrecondition', message);
  }
  try {
    return kernelTable(kinds.flatMap((kind) => device.list(kind)));
  } finally {
    device.close();
  }
}

/** Lays objects out, a line each below the heads of the columns. */
export function kernelTable(objects: readonly KernelObject[]): string {
  return formatTable([HEAD, ...objects.map(toRow)]);
}

function toRow({ kind, id, name, mode, uid, gid, bytes, start }: KernelObject): string[] {
  const where = start === 0n ? '-' : `0x${start.toString(16)}`;
  const rights = mode.toString(8).padStart(4, '0');
  const size = formatBytes(Number(bytes));
  return [kind, String(id), name || '-', rights, String(uid), String(gid), size, where];
}
