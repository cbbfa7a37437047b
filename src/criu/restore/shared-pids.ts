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

/**
 * Refuses a restore into a shared pid namespace where others have ids of the checkpoint, or that is the host's.
 *
 * @param path a file of the namespace
 * @param attempt for messages: `restore NAME`
 * @throws ShimError `failedPrecondition` naming the id and who has it
 */
export function checkIds(image: Tree, path: string, attempt: string): void {
  const taken = readIds(path, attempt);
  const wanted = idsOf(image).find((id) => taken.has(id));
  const holder = wanted === undefined ? undefined : taken.get(wanted);
  if (wanted === undefined || !holder) return;
  const what = `id ${String(wanted)} of the checkpoint is taken in the pid namespace that it shares`;
  const remedy = 'remedy: restore it into a new pod, before other containers start there';
  throw new ShimError(
    'failedPrecondition',
    `${attempt}: ${what}, by ${describe(wanted, holder)}; ${remedy}`,
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
