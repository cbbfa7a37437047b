// SPDX-License-Identifier: Apache-2.0

/** How AVA ends a test file when a test takes too long; `disconnect` is the end of AVA itself. */
const SIGNS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const;

const pending = new Set<() => Promise<void>>();
let isListening = false;

/**
 * Runs `cleanup` if the test file is ended before its tests: no teardown runs then.
 *
 * @returns a function to call after the usual clean-up
 */
export function cleanUpIfInterrupted(cleanup: () => Promise<void>): () => void {
  if (!isListening) for (const sign of SIGNS) process.once(sign, () => void interrupted(sign));
  isListening = true;
  pending.add(cleanup);
  return () => pending.delete(cleanup);
}

async function interrupted(sign: string): Promise<void> {
  if (sign === 'disconnect' && pending.size === 0) return;
  for (const cleanup of pending) {
    pending.delete(cleanup);
    await cleanup().catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
    });
  }
  process.exit(1);
}
