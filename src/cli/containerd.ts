// SPDX-License-Identifier: Apache-2.0
import type { ContainerdApi, Place } from '../containerd/index.js';
import { SignalRelay } from './signal-relay.js';
import { UsageError } from './usage.js';

/** Which containerd is meant, and which of its namespaces; as `ctr` has them. */
export const CONTAINERD_OPTIONS = {
  address: {
    type: 'string',
    short: 'a',
    value: 'PATH',
    help: "containerd's socket (default: CONTAINERD_ADDRESS, or /run/containerd/containerd.sock)",
    words: 'file',
  },
  namespace: {
    type: 'string',
    short: 'n',
    value: 'NAME',
    help: "containerd's namespace (default: CONTAINERD_NAMESPACE, or default)",
  },
} as const;

/** Leaves the root filesystem out of a snapshot. */
export const NO_ROOTFS = {
  'no-rootfs': {
    type: 'boolean',
    help: 'leave out what the container has changed in its root filesystem',
  },
} as const;

/** Those options' values. */
export interface PlaceOptions {
  readonly address: string | undefined;
  readonly namespace: string | undefined;
}

/** Runs work with containerd; signals that end other programs cancel it. */
export async function withContainerd<T>(
  values: PlaceOptions,
  work: (api: ContainerdApi, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const place = placeOf(values);
  const relay = new SignalRelay();
  try {
    return await withApi(place, (api) => work(api, relay.signal));
  } finally {
    relay.close();
  }
}

/** Which containerd is meant, and which of its namespaces. @throws UsageError */
export function placeOf(values: PlaceOptions): Place {
  const { env } = process;
  const given = values.address ?? env['CONTAINERD_ADDRESS'] ?? '/run/containerd/containerd.sock';
  const address = given.replace(/^unix:\/\//, '');
  const namespace = values.namespace ?? env['CONTAINERD_NAMESPACE'] ?? 'default';
  if (!address.startsWith('/')) throw new UsageError(`not an absolute path: '${address}'`);
  return { address, namespace };
}

/** Runs work with a client of containerd, which is loaded for it. */
export async function withApi<T>(
  place: Place,
  work: (api: ContainerdApi) => Promise<T>,
): Promise<T> {
  const { ContainerdApi: Api } = await import('../containerd/index.js');
  const api = new Api(place);
  try {
    return await work(api);
  } finally {
    api.close();
  }
}
