// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { fileOfCheckout } from '../../common/checkout.js';
import { ShimError } from '../../common/errors.js';

/** Begins the environment of a command that a keeper runs: it is a child of the keeper, but no clone. */
export const BY_KEEPER = 'MVAS_KEEPER=1';
/** What the command has to know of our environment. */
const PASSED_ON = ['MVAS_ROOT', 'MVAS_CONFIG'] as const;
const LIMIT_MS = 60_000;

/** A command line of `mvas` of this installation, and its environment. */
export function mvasCommand(args: readonly string[]): {
  readonly argv: readonly string[];
  readonly env: readonly string[];
} {
  const given = PASSED_ON.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
  // A standby would outlive it, in the cgroup it is in.
  return {
    argv: [fileOfCheckout('bin/mvas'), ...args],
    env: [BY_KEEPER, 'MVAS_STANDBY=0', ...given],
  };
}

/**
 * Runs `mvas`; returns its output.
 *
 * @param limitMs when it is ended
 * @throws ShimError with what it says if it fails
 */
export async function runMvas(
  args: readonly string[],
  signal?: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<string> {
  const { argv, env } = mvasCommand(args);
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, {
    cwd: '/',
    env: Object.fromEntries(
      env.slice(1).map((line) => line.split(/=(.*)/s, 2) as [string, string]),
    ),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    ...(signal && { signal }),
  });
  const [out, said] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString('utf8').trim();
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).catch((cause: unknown) => {
    throw new ShimError('internal', `run ${program}: ${String(cause)}`, { cause });
  });
  if (status === 0) return out?.() ?? '';
  const words = said?.() ?? '';
  const why = words === '' ? `${program} has ended by ${String(status)}` : words;
  throw new ShimError('resourceExhausted', why);
}
