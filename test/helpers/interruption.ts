// SPDX-License-Identifier: Apache-2.0

/** AVA ends a test file so when a test takes too long; `disconnect` is the end of AVA itself. */
const SIGNS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const;

const pending = new Set<() => Promise<void>>();
let isListening = false;

/**
 * Has something cleaned up if the test file is ended before its tests are: no teardown runs then.
 *
 * @returns to be called once it has been cleaned up in the usual way
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
