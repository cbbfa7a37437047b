// SPDX-License-Identifier: Apache-2.0
import { asNsPid, asVasId, type NsPid, type VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { CAPABILITY } from './kernel-abi.js';
import { KernelDevice } from './kernel-device.js';

/**
 * What keeps the memory of a container while its checkpoint is taken: the holder, by copying it, or the kernel
 * (mvas.ko), by duplicating the page tables; then the holder copies while the container runs. With `kernel-exec`
 * nothing is ever copied: the duplicates are the VAS, and restored processes exec them.
 */
export type Backend = 'holder' | 'kernel' | 'kernel-exec';

/** The kernel's device, and the better of the two kernel backends that it supports. */
export interface KernelBackend {
  readonly device: KernelDevice;
  readonly backend: 'kernel' | 'kernel-exec';
}

const FORK = CAPABILITY.fork | CAPABILITY.target;
const EXEC = FORK | CAPABILITY.exec;

/** What each backend other than the holder needs. */
const NEEDED: ReadonlyMap<string, bigint> = new Map([
  ['', FORK],
  ['kernel', FORK],
  ['kernel-exec', EXEC],
]);

/**
 * The kernel's device if the kernel is to be the backend; undefined for the holder. `wish` is MVAS_BACKEND: without
 * it, the kernel is used if it can do what is needed.
 *
 * @throws ShimError `failedPrecondition` if the kernel is asked for and cannot, `invalidArgument` for an unknown
 * backend
 */
export function openBackend(
  wish: string,
  open = (): KernelDevice | undefined => KernelDevice.tryOpen(),
): KernelBackend | undefined {
  if (wish === 'holder') return undefined;
  const needed = NEEDED.get(wish);
  if (needed === undefined) {
    const names = 'neither holder, kernel nor kernel-exec';
    throw new ShimError('invalidArgument', `MVAS_BACKEND=${wish}: ${names}`);
  }
  const device = open();
  if (device && (device.capabilities & needed) === needed) {
    const canExec = (device.capabilities & EXEC) === EXEC;
    return { device, backend: canExec && wish !== 'kernel' ? 'kernel-exec' : 'kernel' };
  }
  device?.close();
  if (wish === '') return undefined;
  const lack = device ? 'cannot do that on this kernel' : 'is not loaded (no /dev/mvas)';
  throw new ShimError('failedPrecondition', `MVAS_BACKEND=${wish}: the module mvas ${lack}`);
}

/** The kernel's ids of the duplicates of one VAS, by container pid. */
export type Duplicates = ReadonlyMap<NsPid, number>;

/** The duplicates that the kernel keeps, by the VAS they belong to. */
export function listDuplicates(): ReadonlyMap<VasId, Duplicates> {
  const found = new Map<VasId, Map<NsPid, number>>();
  const device = KernelDevice.tryOpen();
  for (const { id, name } of device?.list() ?? []) {
    const [owner = '', nsPid] = name.split('.');
    const vasId = asVasId(owner);
    const duplicates = found.get(vasId) ?? new Map<NsPid, number>();
    found.set(vasId, duplicates.set(asNsPid(Number(nsPid)), id));
  }
  device?.close();
  return found;
}

/** The kernel's ids of the duplicates that belong to one of our VASes, by container pid. */
export function findDuplicates(vasId: VasId): Duplicates {
  return listDuplicates().get(vasId) ?? new Map();
}

/** Name of the kernel's duplicate of a process, which belongs to one of our VASes. */
export function duplicateName(vasId: VasId, nsPid: NsPid): string {
  return `${vasId}.${String(nsPid)}`;
}

/** Deletes what the kernel keeps for one of our VASes; usually nothing. */
export function deleteDuplicates(vasId: VasId): void {
  const device = KernelDevice.tryOpen();
  if (!device) return;
  try {
    for (const { id, name } of device.list()) {
      if (name.startsWith(`${vasId}.`)) device.delete(id);
    }
  } finally {
    device.close();
  }
}
