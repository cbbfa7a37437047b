// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { removeVas, type CheckpointResult } from '../../../../src/criu/index.js';
import type { Backend } from '../../../../src/criu/vas/backend.js';
import type { PrivateContainerd } from '../../../helpers/containerd.js';
import { checkpointHere, type Victim } from './engine.js';
import type { Tap } from './tap.js';

const ROUNDS = 3;

/** Milliseconds of an emulated machine: only ratios mean anything. */
const TIMES: Readonly<Record<string, (result: CheckpointResult) => number>> = {
  'taking the memory': ({ timingsMs }) => timingsMs['copy'] ?? 0,
  standstill: ({ frozenMs }) => frozenMs,
  'the whole checkpoint': ({ timingsMs }) =>
    Object.values(timingsMs).reduce((sum, time) => sum + time, 0),
};

const BACKENDS = ['holder', 'kernel', 'kernel-exec'] as const;

/** Reports how the backends' times compare, the best of some rounds of each. Leaves MVAS_BACKEND as it was. */
export async function compareBackends(
  tap: Tap,
  { directory }: PrivateContainerd,
  victim: Victim,
): Promise<void> {
  const before = process.env['MVAS_BACKEND'];
  const results = new Map<Backend, CheckpointResult[]>(BACKENDS.map((backend) => [backend, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [backend, done] of results) {
      process.env['MVAS_BACKEND'] = backend;
      const image = join(directory, `compare-${backend}-${String(round)}`);
      const result = await checkpointHere(victim, image);
      await removeVas(result.vasId);
      done.push(result);
    }
  }
  process.env['MVAS_BACKEND'] = before;
  for (const [what, time] of Object.entries(TIMES)) {
    const best = (backend: Backend): number => Math.min(...(results.get(backend) ?? []).map(time));
    tellRatios(tap, what, new Map(BACKENDS.map((backend) => [backend, best(backend)])));
  }
}

/** Reports times of the backends, as fractions of the holder's. */
export function tellRatios(tap: Tap, what: string, times: ReadonlyMap<Backend, number>): void {
  const holder = times.get('holder');
  if (holder === undefined) return;
  const ratios = [...times].filter(([backend]) => backend !== 'holder');
  for (const [backend, time] of ratios) {
    tap.note(`${what}: ${backend} / holder = ${(time / holder).toFixed(2)}`);
  }
}
