// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectVas, removeVas } from '../../../../src/criu/index.js';
import { readRecord } from '../../../../src/criu/vas/store.js';
import { KernelDevice } from '../../../../src/criu/vas/kernel-device.js';
import type { PrivateContainerd } from '../../../helpers/containerd.js';
import { vasesOf } from '../../../helpers/containerd-cleanup.js';
import { REPOSITORY } from '../../../helpers/paths.js';
import { tryRun } from '../../../helpers/run.js';
import { checkpointHere, type Victim } from './engine.js';
import type { Tap } from './tap.js';

/** Stages of a checkpoint that differ between backends. */
const STAGES = ['inspect', 'copy', 'resume', 'fill', 'commit'];

const ENGINE = join(REPOSITORY, 'dist/test/kernel/containers/inside/engine.js');

const LIMIT = '/sys/module/mvas/parameters/max_vas';

/** Names of the VASes in the kernel. */
export function keptByKernel(): string[] {
  const device = KernelDevice.tryOpen();
  const names = device?.list().map(({ name }) => name) ?? [];
  device?.close();
  return names;
}

/** The error of a checkpoint that is to fail. */
async function outcomeOf(victim: Victim, imagePath: string): Promise<string> {
  return await checkpointHere(victim, imagePath).then(() => 'no error', String);
}

/** Takes checkpoints that fail after one stage each: nothing may be left. */
export async function failAfterEachStage(
  tap: Tap,
  containerd: PrivateContainerd,
  victim: Victim,
): Promise<void> {
  for (const stage of STAGES) {
    process.env['MVAS_FAULT'] = stage;
    const imagePath = join(containerd.directory, `fault-${stage}`);
    const outcome = await outcomeOf(victim, imagePath);
    tap.same(
      `${stage}: the fault is told`,
      /fault injected after stage \w+/.exec(outcome)?.[0],
      `fault injected after stage ${stage}`,
    );
    tap.same(`${stage}: no VAS is left`, await vasesOf(containerd), []);
    tap.same(`${stage}: none in the kernel`, keptByKernel(), []);
    tap.same(`${stage}: no image is left`, existsSync(imagePath), false);
  }
  delete process.env['MVAS_FAULT'];
}

/** Kills a checkpoint while the kernel has a duplicate: removing its VAS removes that too. */
export async function killWhileHeld(
  tap: Tap,
  containerd: PrivateContainerd,
  { initPid, bundle }: Victim,
): Promise<void> {
  const imagePath = join(containerd.directory, 'killed');
  const args = ['--jitless', ENGINE, String(initPid), bundle, imagePath];
  const env = { ...process.env, MVAS_FAULT: 'copy:kill' };
  const { code } = await tryRun(process.execPath, args, { env });
  tap.same('a checkpoint is killed', code, 137);
  const left = await vasesOf(containerd);
  tap.same('it leaves a VAS', left.length, 1);
  tap.same('which the kernel has a part of', keptByKernel(), [`${left[0] ?? ''}.1`]);
  for (const id of left) await removeVas(id);
  tap.same('removing the VAS removes that', keptByKernel(), []);
}

/** If the kernel takes no more VASes, the holder copies, unless the kernel is required. */
export async function refuseByLimit(
  tap: Tap,
  containerd: PrivateContainerd,
  victim: Victim,
): Promise<void> {
  const before = readFileSync(LIMIT, 'utf8');
  writeFileSync(LIMIT, '0');
  const imagePath = join(containerd.directory, 'limit');
  const outcome = await outcomeOf(victim, imagePath);
  tap.same('a limit of the kernel is told', /duplicate.*ENOSPC/.exec(outcome) !== null, true);
  const backend = process.env['MVAS_BACKEND'];
  delete process.env['MVAS_BACKEND'];
  const { vasId } = await checkpointHere(victim, imagePath);
  tap.same('the holder copies then, unless told otherwise', readRecord(vasId).backend, 'holder');
  await removeVas(vasId);
  process.env['MVAS_BACKEND'] = backend;
  writeFileSync(LIMIT, before);
}

/** By default, duplicates are copied if the container goes on. */
export async function copyWhatGoesOn(
  tap: Tap,
  containerd: PrivateContainerd,
  victim: Victim,
): Promise<void> {
  const backend = process.env['MVAS_BACKEND'];
  delete process.env['MVAS_BACKEND'];
  const { vasId } = await checkpointHere(victim, join(containerd.directory, 'goes-on'));
  tap.same('what goes on is copied', readRecord(vasId).backend, 'kernel');
  tap.same('and then the kernel keeps nothing', keptByKernel(), []);
  await removeVas(vasId);
  process.env['MVAS_BACKEND'] = backend;
}

/** A VAS whose memory the kernel no longer has is lost. */
export async function loseDuplicate(
  tap: Tap,
  containerd: PrivateContainerd,
  victim: Victim,
): Promise<void> {
  const { vasId } = await checkpointHere(victim, join(containerd.directory, 'lost'));
  tap.same('it is complete at first', (await inspectVas(vasId)).state, 'complete');
  const device = KernelDevice.open();
  device.delete(device.find(`${vasId}.1`));
  device.close();
  tap.same('and lost without its duplicate', (await inspectVas(vasId)).state, 'lost');
  await removeVas(vasId);
}

/** A VAS with a memory limit uses the holder, because the kernel does not limit duplicates. */
export async function refuseLimited(
  tap: Tap,
  containerd: PrivateContainerd,
  victim: Victim,
): Promise<void> {
  process.env['MVAS_VAS_MEMORY_LIMIT'] = String(1 << 30);
  const imagePath = join(containerd.directory, 'limited');
  const outcome = await outcomeOf(victim, imagePath);
  const why = 'MVAS_BACKEND=kernel-exec: the memory of its VAS is limited';
  tap.same("a limited VAS cannot be the kernel's", outcome.includes(why), true);
  const backend = process.env['MVAS_BACKEND'];
  delete process.env['MVAS_BACKEND'];
  const { vasId } = await checkpointHere(victim, imagePath);
  tap.same('it is copied then, unless told otherwise', readRecord(vasId).backend, 'kernel');
  await removeVas(vasId);
  delete process.env['MVAS_VAS_MEMORY_LIMIT'];
  process.env['MVAS_BACKEND'] = backend;
}
