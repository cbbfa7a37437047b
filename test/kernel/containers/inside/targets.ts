// SPDX-License-Identifier: Apache-2.0
import { asVasId } from '../../../../src/common/ids.js';
import { join } from 'node:path';
import { readRecord } from '../../../../src/criu/vas/store.js';
import { REPOSITORY } from '../../../helpers/paths.js';
import { mvasEngine } from '../../../helpers/targets-engine.js';
import { TargetRun } from '../../../helpers/targets-run.js';
import { readTargets, thisMachine, unmetNeed, type Target } from '../../../helpers/targets.js';
import { keptByKernel } from './faults.js';
import { Tap } from './tap.js';

const TARGETS = join(REPOSITORY, 'test/targets');

/** Targets whose duplicates cannot be the VAS. */
const COPIED = new Set([
  'memory_advice',
  'protection_keys',
  'protection_keys_execute_only',
  'protection_keys_forks',
  'protection_keys_unused',
]);

/** Targets that are checkpointed and restored, twice. */
const TWICE = new Set(['memory_file_private', 'memory_shared_anonymous', 'process_tree']);

/** Targets that are tried once more, with duplicates that are copied though they need not be. */
const COPIED_TOO = new Set(['memory_file_private', 'memory_shared_anonymous', 'process_tree']);

/** A target that is checkpointed, killed and restored. `wish`: MVAS_BACKEND. */
async function tryTarget(tap: Tap, target: Target, wish: string): Promise<void> {
  const name = `${target.name}${wish && ` (${wish})`}`;
  process.env['MVAS_BACKEND'] = wish;
  const run = new TargetRun(target, mvasEngine(REPOSITORY), join(TARGETS, 'build', target.name));
  try {
    const first = await run.start();
    if (first !== 'READY') {
      tap.note(`${name}: not run: ${first}`);
      return;
    }
    const before = await run.view();
    for (let round = 0; round < (TWICE.has(name) ? 2 : 1); round++) {
      const { imagePath, result } = await run.checkpoint(false);
      tap.same(`${name}: the checkpoint is taken`, [result.status, result.stderr], [0, '']);
      const { backend } = readRecord(asVasId(result.stdout.trim()));
      const best = COPIED.has(target.name) ? 'kernel' : 'kernel-exec';
      tap.same(`${name}: by the kernel`, backend, wish || best);
      await run.restore(imagePath);
    }
    tap.same(`${name}: it looks the same from outside`, await run.compare(before), []);
    tap.same(`${name}: it finds itself as it was`, await run.go(), 'PASS');
  } catch (error) {
    tap.failed(error);
  } finally {
    await run.close(false);
  }
  tap.same(`${name}: the kernel keeps nothing`, keptByKernel(), []);
}

/** Arguments: prefixes of the names of targets. */
async function main(): Promise<void> {
  const tap = new Tap();
  const wanted = process.argv.slice(2);
  const machine = thisMachine();
  for (const target of readTargets(TARGETS)) {
    const isWanted = wanted.some((start) => target.name.startsWith(start));
    if (!isWanted || target.expect.kind !== 'restore') continue;
    const missing = unmetNeed(target, machine);
    if (missing !== undefined) {
      tap.note(`${target.name}: not run: ${missing}`);
      continue;
    }
    await tryTarget(tap, target, '');
    if (COPIED_TOO.has(target.name)) await tryTarget(tap, target, 'kernel');
  }
  process.exitCode = tap.finish();
}

await main();
