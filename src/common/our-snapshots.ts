// SPDX-License-Identifier: Apache-2.0

/** Begins the names of containerd's snapshots that are ours. */
export const OURS = 'mvas-';

/** Whether a snapshot of containerd's is ours, with changes of files; others are layers of images. */
export function isOurSnapshot(name: string): boolean {
  return name.startsWith(OURS);
}
