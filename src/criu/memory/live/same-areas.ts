// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../common/ids.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../../../native/abi/index.js';
import { readMapsText } from '../../procfs/reader.js';

/** Private memory without a file: where it is, and its PROT_* bits. */
interface AnonymousArea {
  readonly start: bigint;
  readonly end: bigint;
  readonly prot: number;
}

/** Address range, permissions, offset, device and inode of a line of /proc/PID/maps. */
const HEADS = /^\S+ \S+ \S+ \S+ \S+/gm;

/**
 * Whether a process that stands still maps anonymous memory exactly as it did before, as one area. Only the heads of the
 * lines are compared, since there may be many.
 */
export function sameAreas(pid: HostPid): (area: AnonymousArea) => boolean {
  const heads = new Set(readMapsText(pid).match(HEADS));
  return ({ start, end, prot }) => {
    const can = (bit: number, letter: string): string => ((prot & bit) === 0 ? '-' : letter);
    const permissions = `${can(PROT_READ, 'r')}${can(PROT_WRITE, 'w')}${can(PROT_EXEC, 'x')}p`;
    return heads.has(`${hex(start)}-${hex(end)} ${permissions} 00000000 00:00 0`);
  };
}

function hex(address: bigint): string {
  return address.toString(16).padStart(8, '0');
}
