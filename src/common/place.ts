// SPDX-License-Identifier: Apache-2.0

/** Where a containerd is, and which of its namespaces is meant. */
export interface Place {
  /** Path of its gRPC socket. */
  readonly address: string;
  readonly namespace: string;
}

/** Whether something that has been read is a {@link Place}. */
export function isPlace(value: unknown): value is Place {
  const { address, namespace } = (value ?? {}) as Partial<Place>;
  return typeof address === 'string' && address !== '' && typeof namespace === 'string';
}
