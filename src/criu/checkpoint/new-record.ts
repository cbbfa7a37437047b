// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../../common/ids.js';
import { storedBytes } from '../memory/memory-map.js';
import type { KernelArea } from '../memory/memory-plan.js';
import { segmentsOf } from '../vas/segments.js';
import { bootId, RECORD_FORMAT, type VasRecord } from '../vas/store.js';
import type { Collection } from './collect.js';

/** What the record of a new VAS says about the checkpoint. */
export interface Taken {
  readonly containerId: string;
  readonly collection: Collection;
  /** Where the kernel's areas are in the holder. */
  readonly kernelAreas: readonly KernelArea[];
}

/** The part of a new VAS's record that follows from the memory. */
export function newRecord(
  id: VasId,
  { containerId, collection, kernelAreas }: Taken,
): Omit<VasRecord, 'backend' | 'imageDigest' | 'imageSize' | 'frozenMs'> {
  const { createdAt, base, maps, shared, image } = collection;
  return {
    format: RECORD_FORMAT,
    id,
    name: `${containerId}-${id.slice(0, 8)}`,
    bootId: bootId(),
    containerId,
    createdAt,
    isComplete: true,
    bytes: Number(storedBytes(maps, shared)),
    base: hex(base),
    kernelAreas: kernelAreas.map(({ special, start, end }) => {
      return { special, start: hex(start), end: hex(end) };
    }),
    processes: maps.map((map) => ({
      pid: map.pid,
      name: image.cores.get(map.pid)?.tc?.comm ?? '?',
      segments: segmentsOf(map).length,
    })),
  };
}

function hex(address: bigint): string {
  return `0x${address.toString(16)}`;
}
