// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { removeVas, type CheckpointResult } from '../../../../src/criu/index.js';
import type { Backend } from '../../../../src/criu/vas/backend.js';
import type { PrivateContainerd } from '../../../helpers/containerd.js';
import { checkpointHere, type Victim } from './engine.js';
import type { Tap } from './tap.js';

const ROUNDS = 3;

/** Milliseconds of an emulated machine: good for ratios alone. */
const TIMES: Readonly<Record<string, (result: CheckpointResult) => number>> = {
  'taking the memory': ({ timingsMs }) => timingsMs['copy'] ?? 0,
  standstill: ({ frozenMs }) => frozenMs,
  'the whole checkpoint': ({ timingsMs }) =>
    Object.values(timingsMs).reduce((sum, time) => sum + time, 0),
};

/** Tells how the backends' times compare, the best of some rounds of each. Leaves MVAS_BACKEND as kernel. */
export async function compareBackends(
  tap: Tap,
  { directory }: PrivateContainerd,
  victim: Victim,
): Promise<void> {
  const results: Record<Backend, CheckpointResult[]> = { holder: [], kernel: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const backend of ['holder', 'kernel'] as const) {
      process.env['MVAS_BACKEND'] = backend;
      const image = join(directory, `compare-${backend}-${String(round)}`);
      const result = await checkpointHere(victim, image);
      await removeVas(result.vasId);
      results[backend].push(result);
    }
  }
  for (const [what, time] of Object.entries(TIMES)) {
    const best = (backend: Backend): number => Math.min(...results[backend].map(time));
    const ratio = best('kernel') / best('holder');
    tap.note(`${what}: kernel / holder = ${ratio.toFixed(2)}`);
  }
}
