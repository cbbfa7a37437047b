// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShimError } from '../../src/common/errors.js';
import type { PrivateContainerd } from './containerd.js';
import { CRIU_TAR, type ContentDescriptor } from './tasks-client.js';

const MOST_TRIES = 5;
const TRY_AGAIN_MS = 200;

/** The runtime that the end-to-end tests drive: `MVAS_E2E_RUNTIME`, or this project's. */
export const RUNTIME = process.env['MVAS_E2E_RUNTIME'] ?? 'io.containerd.mvas.v1';

/** A cgroup v2 tree beside v1 hierarchies has no cpu controller, and `ctr` sets shares by default. */
const CPU_FLAGS = process.env['MVAS_CGROUP_V2'] === undefined ? [] : ['--cpu-shares', '0'];

/** Arguments of `ctr run`. */
export interface RunRequest {
  readonly id: string;
  readonly image: string;
  readonly runtime?: string;
  /** Replaces the image's command. */
  readonly args?: readonly string[];
  /** Further flags of `ctr run`. */
  readonly flags?: readonly string[];
}

/** One line of `ctr tasks ls`. */
export interface TaskLine {
  readonly id: string;
  readonly pid: number;
  readonly status: string;
}

/** Runs a container in the background and resolves with the pid of its init. Output goes to a log. */
export async function runContainer(
  containerd: PrivateContainerd,
  request: RunRequest,
): Promise<number> {
  await containerd.ctr([
    'run',
    '--detach',
    '--snapshotter',
    containerd.snapshotter,
    '--runtime',
    request.runtime ?? RUNTIME,
    '--log-uri',
    `file://${join(containerd.directory, `${request.id}.log`)}`,
    ...CPU_FLAGS,
    ...(request.flags ?? []),
    request.image,
    request.id,
    ...(request.args ?? []),
  ]);
  return (await taskOf(containerd, request.id)).pid;
}

/** All tasks. */
export async function listTasks(containerd: PrivateContainerd): Promise<TaskLine[]> {
  const lines = (await containerd.ctr(['tasks', 'ls'])).trim().split('\n').slice(1);
  return lines.map((line) => {
    const [id = '', pid = '', status = ''] = line.split(/\s+/);
    return { id, pid: Number(pid), status };
  });
}

/** The task of a container; rejects with `notFound` where it has none. */
export async function taskOf(containerd: PrivateContainerd, id: string): Promise<TaskLine> {
  const task = (await listTasks(containerd)).find((line) => line.id === id);
  if (!task) throw new ShimError('notFound', `look up the task of ${id}: it has none`);
  return task;
}

/**
 * `ctr containers checkpoint`: task, root filesystem changes and image into the image `reference`.
 *
 * containerd 1.6 silently drops the task when the content store already holds the same spec, that
 * is, an earlier checkpoint of the same container or of the one it was restored from (client
 * container.go: AlreadyExists of any part counts as done). Rejects with `alreadyExists` then; remove
 * the earlier image first.
 *
 * After a momentary refusal, such as for descriptors in flight to another process, it tries again, as
 * the refusal says.
 */
export async function checkpointContainer(
  containerd: PrivateContainerd,
  id: string,
  reference: string,
): Promise<void> {
  const args = ['containers', 'checkpoint', '--task', '--rw', '--image', id, reference];
  for (let tries = 1; ; tries += 1) {
    const { code, stderr } = await containerd.tryCtr(args);
    if (code === 0) break;
    if (tries === MOST_TRIES || !stderr.includes('try again')) {
      throw new ShimError('unknown', `checkpoint ${id}: ${stderr.trim()}`);
    }
    await sleep(TRY_AGAIN_MS);
  }
  if (!(await checkpointIn(containerd, reference))) {
    throw new ShimError(
      'alreadyExists',
      `checkpoint ${id}: containerd left the task out of ${reference}`,
    );
  }
}

/** The checkpointed task in a checkpoint image; undefined where it holds none. */
export async function checkpointIn(
  containerd: PrivateContainerd,
  reference: string,
): Promise<ContentDescriptor | undefined> {
  const line = (await containerd.ctr(['images', 'ls', `name==${reference}`])).split('\n')[1] ?? '';
  const digest = /sha256:\w+/.exec(line)?.[0] ?? '';
  const index = JSON.parse(await containerd.ctr(['content', 'get', digest])) as {
    readonly manifests: readonly { mediaType: string; digest: string; size: number }[];
  };
  const found = index.manifests.find((manifest) => manifest.mediaType === CRIU_TAR);
  return found && { media_type: CRIU_TAR, digest: found.digest, size: String(found.size) };
}

/** Creates a container without a task, for a task that begins from a checkpoint. */
export async function createContainer(
  containerd: PrivateContainerd,
  request: RunRequest,
): Promise<void> {
  const runtime = request.runtime ?? RUNTIME;
  const flags = [
    '--snapshotter',
    containerd.snapshotter,
    '--runtime',
    runtime,
    ...CPU_FLAGS,
    ...(request.flags ?? []),
  ];
  await containerd.ctr([
    'containers',
    'create',
    ...flags,
    request.image,
    request.id,
    ...(request.args ?? []),
  ]);
}

/** Removes an image and what only it needed. */
export async function removeImage(containerd: PrivateContainerd, reference: string): Promise<void> {
  await containerd.ctr(['images', 'rm', '--sync', reference]);
}

/** `ctr containers restore --live`: a new container from a checkpoint; resolves with its init's pid. */
export async function restoreContainer(
  containerd: PrivateContainerd,
  id: string,
  reference: string,
): Promise<number> {
  await containerd.ctr(['containers', 'restore', '--live', '--rw', id, reference]);
  return (await taskOf(containerd, id)).pid;
}

/** Kills a container's task, and removes task and container. */
export async function removeContainer(containerd: PrivateContainerd, id: string): Promise<void> {
  await containerd.ctr(['tasks', 'rm', '-f', id]);
  await containerd.ctr(['containers', 'rm', id]);
}
