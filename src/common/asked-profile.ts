// SPDX-License-Identifier: Apache-2.0
import type { CpuProfile } from './cpu-profile.js';

/** Starts to record what this process spends its time on, if MVAS_CPU_PROF names a directory. */
export async function startAskedProfile(): Promise<CpuProfile | undefined> {
  const directory = process.env['MVAS_CPU_PROF'];
  if (directory === undefined) return undefined;
  return (await import('./cpu-profile.js')).startCpuProfile(directory);
}
