// SPDX-License-Identifier: Apache-2.0
import { compiled } from '../../standby/compiled.js';
import { engineWarmUps } from '../../standby/engine-warm-ups.js';
import type { WarmUp } from '../../standby/warm-up.js';
import { rehearse } from './rehearsal.js';

/** After so many, V8 has optimized what takes time. */
const LIVES = 12;

const { soon, later } = engineWarmUps(() => compiled(() => import('../../criu/index.js')));

/** What every daemon does: what only restores do would make each of them larger by as much. */
export const USUAL: readonly WarmUp[] = [rehearse];

/** The warm-ups of the shim's standby. */
export const WARM_UPS: readonly (readonly WarmUp[])[] = [
  [rehearse, ...soon],
  [...Array.from({ length: LIVES }, () => rehearse), ...later],
];
