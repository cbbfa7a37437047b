// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { CAPABILITY } from './kernel-abi.js';
import { KernelDevice } from './kernel-device.js';

/**
 * What keeps the memory of a container while its checkpoint is taken: the holder, by copying it, or the
 * kernel (mvas.ko), by duplicating the page tables; then the holder copies while the container runs on.
 */
export type Backend = 'holder' | 'kernel';

const NEEDED = CAPABILITY.fork | CAPABILITY.target;

/**
 * The kernel's device where the kernel is to be the backend; undefined: the holder. `wish` is
 * MVAS_BACKEND: without it the kernel is taken where it can do what is needed.
 *
 * @throws ShimError `failedPrecondition` when the kernel is wished for and cannot,
 * `invalidArgument` for another wish
 */
export function openBackend(
  wish: string,
  open = (): KernelDevice | undefined => KernelDevice.tryOpen(),
): KernelDevice | undefined {
  if (wish === 'holder') return undefined;
  if (wish !== '' && wish !== 'kernel') {
    throw new ShimError('invalidArgument', `MVAS_BACKEND=${wish}: neither holder nor kernel`);
  }
  const device = open();
  if (device && (device.capabilities & NEEDED) === NEEDED) return device;
  device?.close();
  if (wish === '') return undefined;
  const lack = device ? 'cannot fork processes on this kernel' : 'is not loaded (no /dev/mvas)';
  throw new ShimError('failedPrecondition', `MVAS_BACKEND=kernel: the module mvas ${lack}`);
}

/** Name of the kernel's duplicate of a process, which belongs to one of our VASes. */
export function duplicateName(vasId: string, nsPid: number): string {
  return `${vasId}.${String(nsPid)}`;
}

/** Deletes what the kernel keeps for one of our VASes; usually nothing. */
export function deleteDuplicates(vasId: string): void {
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
