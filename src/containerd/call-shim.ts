// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_SOCKET_DIR, groupOf, socketPath } from '../common/daemon-socket.js';
import { ShimError } from '../common/errors.js';
import { ContainerdApi } from './api.js';
import type { Container } from '../common/messages/containers.js';
import { specOf } from './spec.js';

/** Limit for calls of a shim that take what a container's memory takes. */
export const SHIM_LIMIT_MS = 10 * 60_000;

/**
 * Calls the daemon that serves a container. containerd is not asked: it would not pass everything on.
 *
 * @throws ShimError of the daemon; `failedPrecondition` if there is none of ours
 */
export async function callShim<T>(
  api: ContainerdApi,
  container: Partial<Container>,
  work: (shim: ContainerdApi) => Promise<T>,
): Promise<T> {
  const { id = '', runtime } = container;
  const { address, namespace } = api.place;
  const group = groupOf(specOf(container), id);
  const socket = socketPath(DEFAULT_SOCKET_DIR, address, namespace, group);
  const shim = new ContainerdApi(api.place, socket);
  try {
    return await work(shim);
  } catch (error) {
    if (ShimError.from(error).kind !== 'unavailable') throw error;
    const why = `it is not served by mvas-shim, but by ${runtime?.name ?? '?'}`;
    const remedy = 'remedy: run it with the runtime io.containerd.mvas.v1';
    const also = 'or name containerd by the path it has itself (--address)';
    throw new ShimError(
      'failedPrecondition',
      `container ${id}: ${why}, or containerd has another address; ${remedy}, ${also}`,
    );
  } finally {
    shim.close();
  }
}
