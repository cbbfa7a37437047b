// SPDX-License-Identifier: Apache-2.0
import { openBackend } from '../../vas/backend.js';
import { KernelSource, type KernelSourceOptions } from './kernel-source.js';
import { LiveSource } from './live-source.js';
import type { MemorySource, NewHolder } from './source.js';

/**
 * Opens the source of a checkpoint's memory, by the best backend of this host; the caller closes it.
 *
 * @throws ShimError `failedPrecondition` if MVAS_BACKEND asks for one that this host does not have
 */
export function openSource(
  holder: NewHolder,
  options: Omit<KernelSourceOptions, 'insists'>,
): MemorySource {
  const wish = process.env['MVAS_BACKEND'] ?? '';
  const kernel = openBackend(wish);
  if (!kernel) return new LiveSource(holder);
  return new KernelSource(holder, kernel, { ...options, insists: wish !== '' });
}
