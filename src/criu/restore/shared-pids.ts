// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { INIT, type NsTid } from '../../common/ids.js';
import { printable } from '../../common/bytes.js';
import { ShimError } from '../../common/errors.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { rootOf } from '../image/validate-tasks.js';
import { processLabel } from '../label.js';
import { idsIn, type IdHolder } from '../pid-namespace.js';
import { containerPid } from '../procfs/status.js';
import { Momentary, retrying } from '../retry.js';
import { sharedPidNamespace, type Spec } from '../spec.js';

type Tree = Pick<CheckpointImage, 'pstree' | 'cores'>;

/**
 * Refuses a restore where only one of checkpoint and new container shares a pid namespace with other containers: the ids
 * that the programs know would be others.
 *
 * @param attempt for messages: `restore NAME`
 * @throws ShimError `failedPrecondition`
 */
export function checkSharing(image: Tree, live: Spec, attempt: string): void {
  const root = rootOf(image);
  const isShared = sharedPidNamespace(live) !== undefined;
  if (isShared === (root !== INIT)) return;
  const why = isShared
    ? 'the checkpointed container had a pid namespace of its own, and the new one shares one; remedy: give it its own'
    : `the checkpointed container shared a pid namespace (as pid ${String(root)}), and the new one has its own; ` +
      'remedy: restore it into a pod that shares one (shareProcessNamespace)';
  throw new ShimError('failedPrecondition', `${attempt}: ${why}`);
}

/** How long ids of the checkpoint may be taken by processes that are about to end. */
const TAKEN_MS = 1_000;
const REMEDY = 'remedy: restore it into a new pod, before other containers start there';

/**
 * Makes the first process of a checkpoint in a pid namespace that it shares. Where others have ids of the checkpoint, as a
 * shell's short-lived children do, waits a moment for them to end.
 *
 * @param path a file of the namespace
 * @param attempt for messages: `restore NAME`
 * @param fork makes it; rejects with `alreadyExists` if its id has just been taken
 * @throws ShimError `failedPrecondition` naming the id and who has it, or if the namespace is the host's
 */
export async function forkAmongOthers<T>(
  image: Tree,
  { path, attempt, signal }: { path: string; attempt: string; signal?: AbortSignal | undefined },
  fork: () => Promise<T>,
): Promise<T> {
  // Ids that others take meanwhile are waited for where they are needed: some may be taken at any time.
  let lasting = takenIds(image, path, attempt);
  return await retrying({ limitMs: TAKEN_MS, signal }, async () => {
    const now = new Map(takenIds(image, path, attempt));
    lasting = lasting.filter(([id, { pid }]) => now.get(id)?.pid === pid);
    assertNoneLasts(lasting, attempt);
    try {
      return await fork();
    } catch (cause) {
      if (ShimError.from(cause).kind !== 'alreadyExists') throw cause;
      const what = `id ${String(rootOf(image))} of the checkpoint has just been taken in the pid namespace that it shares`;
      const message = `${attempt}: ${what}; ${REMEDY}`;
      throw new Momentary('failedPrecondition', message, { cause });
    }
  });
}

/** Which ids of the checkpoint others have, and who. */
function takenIds(image: Tree, path: string, attempt: string): (readonly [NsTid, IdHolder])[] {
  const taken = readIds(path, attempt);
  return idsOf(image).flatMap((id) => {
    const holder = taken.get(id);
    return holder ? [[id, holder] as const] : [];
  });
}

function assertNoneLasts([first]: readonly (readonly [NsTid, IdHolder])[], attempt: string): void {
  if (!first) return;
  const [id, holder] = first;
  const what = `id ${String(id)} of the checkpoint is taken in the pid namespace that it shares`;
  throw new Momentary(
    'failedPrecondition',
    `${attempt}: ${what}, by ${describe(id, holder)}; ${REMEDY}`,
  );
}

function readIds(path: string, attempt: string): Map<NsTid, IdHolder> {
  try {
    if (statSync(path).ino !== statSync('/proc/self/ns/pid').ino) return idsIn(path);
  } catch (cause) {
    const message = `${attempt}: open the pid namespace that it shares: ${String(cause)}`;
    throw new ShimError('failedPrecondition', message, { cause });
  }
  const why = `${path} is the pid namespace of the host, which is not supported`;
  throw new ShimError('failedPrecondition', `${attempt}: ${why}; remedy: give it that of a pod`);
}

/** Ids of processes and threads, and of groups and sessions whose leaders have ended: these are made again. */
function idsOf({ pstree, cores }: Tree): NsTid[] {
  return [...cores.keys(), ...pstree.flatMap(({ pgid, sid }) => [pgid, sid])];
}

function describe(id: NsTid, { pid, status, as }: IdHolder): string {
  const nsPid = containerPid(status);
  const who = `${processLabel(nsPid, status.name)}, pid ${String(pid)} of the host, in cgroup ${cgroupOf(pid)}`;
  return id === nsPid ? who : `the ${as} of ${who}`;
}

function cgroupOf(pid: number): string {
  try {
    const lines = readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8')
      .trimEnd()
      .split('\n');
    const paths = lines.map((line) => line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1));
    return printable(
      paths.reduce((longest, path) => (path.length > longest.length ? path : longest)),
    );
  } catch {
    return 'none: it has ended meanwhile';
  }
}
