// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { ShimError } from '../common/errors.js';
import { logger } from '../common/log.js';

const log = logger('checkpoint');

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

/** A refusal whose reason may be gone in a moment. */
export class Momentary extends ShimError {}

/**
 * A process of the container ended while it was being looked at. The next try finds it gone, even if everything is
 * frozen.
 */
export class EndedMeanwhile extends Momentary {}

/** Whether the remedy at the end of a reason is to try again: then the engine does so itself. Pure. */
export function isMomentary(reason: string): boolean {
  return /; remedy: try again( [a-z ]+)?$/.test(reason);
}

/**
 * Converts an error from a search for the processes of a container: a process that is gone since it was listed,
 * such as a short exec, is not a reason to fail. Pure.
 */
export function momentaryIfGone(error: unknown): unknown {
  if (!(error instanceof ShimError) || error.kind !== 'notFound') return error;
  return new EndedMeanwhile('aborted', error.message, { cause: error });
}

/**
 * How long to wait before the next try: twice as long each time, and the last one at the limit. Where
 * the first try alone took longer than the limit, there is a second. Pure.
 *
 * @param tries the number of tries so far
 * @param limitMs how long to try altogether; 0: once
 * @returns undefined when there is to be no further try
 */
export function pauseBefore(tries: number, limitMs: number, passedMs: number): number | undefined {
  if (limitMs <= 0) return undefined;
  const leftMs = limitMs - passedMs;
  if (leftMs <= 0) return tries === 1 ? FIRST_PAUSE_MS : undefined;
  return Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS, leftMs);
}

/** The clock that tries are timed by. */
export interface Time {
  /** Milliseconds since some moment. */
  now(): number;
  /** Rejects with an AbortError once the signal is aborted. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

const REAL_TIME: Time = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};

/** How long something is retried. */
export interface Patience {
  /** 0: once. */
  readonly limitMs: number;
  /** Ends it at once. */
  readonly signal?: AbortSignal | undefined;
  readonly time?: Time;
}

/**
 * Repeats an attempt as long as it fails with {@link Momentary}.
 *
 * @param Reason the only class of it to retry for
 * @throws ShimError of the last attempt, with how long it was tried; AbortError
 */
export async function retrying<T>(
  { limitMs, signal, time = REAL_TIME }: Patience,
  attempt: () => Promise<T>,
  Reason = Momentary,
): Promise<T> {
  const began = time.now();
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Reason)) throw error;
      const passedMs = time.now() - began;
      const pauseMs = pauseBefore(tries, limitMs, passedMs);
      if (pauseMs === undefined) throw tries === 1 ? error : giveUp(error, tries, passedMs);
      log.debug('not now', { tries, pauseMs, reason: error.message });
      await time.sleep(pauseMs, signal);
    }
  }
}

/**
 * Makes an attempt at something that stands still, so that another attempt would have the same result.
 *
 * @throws ShimError of the attempt; a {@link Momentary} one says why it was the only try, except for EndedMeanwhile
 */
export async function tryingOnce<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof Momentary) || error instanceof EndedMeanwhile) throw error;
    const message = `${error.message} (tried once, since the container is paused)`;
    throw new ShimError(error.kind, message, { cause: error });
  }
}

function giveUp(error: Momentary, tries: number, passedMs: number): ShimError {
  const what = `tried ${String(tries)} times in ${(passedMs / 1000).toFixed(1)} s`;
  return new ShimError(error.kind, `${error.message} (${what})`, { cause: error });
}
