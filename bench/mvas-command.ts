// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { BIN } from '../test/helpers/paths.js';
import { run } from '../test/helpers/run.js';
import { proportionalBytesOf } from './machine.js';
import type { RuncContainers } from './runc-containers.js';

const MVAS = join(BIN, 'mvas');

/** What `mvas checkpoint --json` prints. */
export interface Checkpointed {
  readonly frozenMs: number;
  readonly vasId: string;
}

/** `mvas checkpoint` of a container of runc; the caller removes the VAS. */
export async function checkpointByMvas(
  { root }: RuncContainers,
  id: string,
  image: string,
  flags: readonly string[] = [],
): Promise<Checkpointed> {
  const paths = ['--runc-root', root, '--image-path', image];
  return JSON.parse(
    await run(MVAS, ['checkpoint', '--json', ...flags, ...paths, id]),
  ) as Checkpointed;
}

/** `mvas restore` under another id. */
export async function restoreByMvas(
  containers: RuncContainers,
  id: string,
  image: string,
): Promise<void> {
  const paths = ['--runc-root', containers.root, '--image-path', image, '--detach'];
  await run(MVAS, ['restore', ...paths, ...containers.bundleFlags(id), id]);
}

/** Memory that a VAS takes, in bytes: of what it shares with others, its part. */
export async function bytesOfVas(vasId: string): Promise<number> {
  const [vas] = JSON.parse(await run(MVAS, ['inspect', '--json', vasId])) as {
    holderPid: number;
  }[];
  return await proportionalBytesOf(vas ? [vas.holderPid] : []);
}

/** `mvas rm`. */
export async function removeVas(vasId: string): Promise<void> {
  await run(MVAS, ['rm', vasId]);
}
