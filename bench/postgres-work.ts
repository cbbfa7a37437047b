// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../src/common/errors.js';
import { packagedApp } from '../test/helpers/apps/app.js';
import type { PrivateContainerd } from '../test/helpers/containerd.js';
import { runExample } from '../test/helpers/examples.js';

/** Milliseconds until a test has a PostgreSQL of its own, as the example's shell sees it. */
export interface PostgresForks {
  readonly medianMs: number;
  readonly allMs: readonly number[];
}

/** Runs examples/postgres-per-test.sh. */
export async function forkPostgres(
  containerd: PrivateContainerd,
  tests: number,
): Promise<PostgresForks> {
  const packaged = packagedApp('postgresql');
  await containerd.importImages(await packaged.archive());
  const env = { IMAGE: packaged.image, TESTS: String(tests), MVAS_STANDBY: '1' };
  const request = { env, timeoutMs: 120_000 };
  const { code, stdout, stderr } = await runExample(containerd, 'postgres-per-test.sh', request);
  if (code !== 0) throw new ShimError('internal', `postgres-per-test.sh: ${stderr}`);
  const allMs = Array.from(stdout.matchAll(/ after (\d+) ms;/g), ([, ms]) => Number(ms));
  const medianMs = Number(/^median of \d+ forks: (\d+) ms$/m.exec(stdout)?.[1]);
  return { medianMs, allMs };
}
