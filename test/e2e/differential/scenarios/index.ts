// SPDX-License-Identifier: Apache-2.0
import type { Group } from '../scenario.js';
import { badInput } from './bad-input.js';
import { checkpoints } from './checkpoints.js';
import { execs } from './execs.js';
import { life } from './life.js';
import { limits } from './limits.js';
import { pauses } from './pauses.js';
import { pods } from './pods.js';
import { signals } from './signals.js';
import { streams } from './streams.js';

/** All scenarios. */
export const GROUPS: readonly Group[] = [
  life,
  signals,
  execs,
  pauses,
  streams,
  limits,
  pods,
  checkpoints,
  badInput,
];
