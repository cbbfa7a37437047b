// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type { Clone, ContainerdApi, ForkRequest, Network, Stage } from '../../containerd/index.js';
import { sourceOf } from '../source.js';
import { UsageError } from '../usage.js';

/** How many clones can be made at once. */
export const MOST_CLONES = 1000;
/** containerd's own rule for ids of containers. */
const ID = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;
const LONGEST = 76;

/** What is wanted of a fork. */
export interface Forking extends Omit<ForkRequest, 'ids' | 'whileAlone'> {
  /** A container, or the id or name of a snapshot. */
  readonly source: string;
  readonly count: number;
  /** Their ids, with {n} for 1, 2, ...; undefined: made of the container's. */
  readonly name: string | undefined;
  /** Whether what a container has changed in its root filesystem goes along. */
  readonly rootfs: boolean;
  /** Is told what is being done until there is a snapshot. */
  readonly onStage?: (stage: Stage) => void;
}

/** Makes clones of a container, whose memory is captured for that, or of a snapshot. */
export async function forkSource(
  api: ContainerdApi,
  { source, count, name, rootfs, onStage, ...request }: Forking,
): Promise<readonly Clone[]> {
  const { fork } = await import('../../containerd/index.js');
  const { signal } = request;
  const { snapshot, whileAlone, drop } = await sourceOf(api, source, {
    ...{ rootfs, signal },
    ...(onStage && { onStage }),
  });
  try {
    const pattern = name ?? `${snapshot.containerId}-${randomBytes(2).toString('hex')}-{n}`;
    return await fork(api, snapshot, { ids: idsOf(pattern, count), whileAlone, ...request });
  } finally {
    await drop();
  }
}

/** @throws ShimError `invalidArgument` unless so many can be made at once */
export function assertCount(count: number, text = String(count)): void {
  if (Number.isInteger(count) && count >= 1 && count <= MOST_CLONES) return;
  const message = `count ${text}: not a number from 1 to ${String(MOST_CLONES)}`;
  throw new UsageError(message, { verb: 'fork' });
}

/** The network namespace of clones. @throws UsageError */
export function networkOf(text: string): Network {
  if (text === 'same' || text === 'none') return text;
  if (text.startsWith('/')) return text as Network;
  throw new UsageError(`net ${text}: not same, none or an absolute path`, { verb: 'fork' });
}

/** The ids of clones. @throws UsageError for a pattern that gives no valid ids, or the same one twice */
export function idsOf(pattern: string, count: number): string[] {
  const fail = (why: string): never => {
    throw new UsageError(`name ${pattern}: ${why}`, { verb: 'fork' });
  };
  if (count > 1 && !pattern.includes('{n}')) fail('several clones need {n} in it');
  const ids = Array.from({ length: count }, (_, n) => pattern.replaceAll('{n}', String(n + 1)));
  const wrong = ids.find((id) => !ID.test(id) || id.length > LONGEST);
  if (wrong !== undefined) fail(`'${wrong}' is not a valid id of a container`);
  return ids;
}
