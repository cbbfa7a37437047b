// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path';
import type { WarmUp } from './warm-up.js';

/** After so many, V8 has optimized nearly all that takes time. */
const RESTORES = 12;
const CHECKPOINTS = 14;

/** What of the engine is done in advance. */
export interface RehearsedEngine {
  rehearseRestore(directory: string): void;
  rehearseCheckpoints(directory: string): Promise<void>;
  learnUsualFlags(directory: string): void;
  learnKernelObjects(directory: string): void;
}

export interface EngineWarmUps {
  /** Reads an image and plans its restore. */
  readonly restore: WarmUp;
  /** Does everything once. */
  readonly soon: readonly WarmUp[];
  /** What makes it quick. */
  readonly later: readonly WarmUp[];
}

/**
 * Warm-ups with the engine: reads an image and plans its restore, learns what the kernel's flags of memory mean, and stops a
 * model of a container, until what every checkpoint and every restore needs is optimized.
 *
 * @param load loads the engine
 */
export function engineWarmUps(load: () => Promise<RehearsedEngine>): EngineWarmUps {
  const restore: WarmUp = async (directory) => {
    (await load()).rehearseRestore(join(directory, 'image'));
  };
  const checkpoint: WarmUp = async (directory) => {
    await (await load()).rehearseCheckpoints(join(directory, 'image'));
  };
  const learn: WarmUp = async (directory) => {
    const engine = await load();
    engine.learnUsualFlags(join(dirname(directory), 'flags'));
    engine.learnKernelObjects(join(dirname(directory), 'kernel'));
  };
  const others = Array.from({ length: CHECKPOINTS }, (_, at) =>
    at < RESTORES ? [checkpoint, restore] : [checkpoint],
  );
  return { restore, soon: [restore, learn, checkpoint], later: others.flat() };
}
