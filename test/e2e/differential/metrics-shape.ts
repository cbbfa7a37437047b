// SPDX-License-Identifier: Apache-2.0
import { WireReader } from '../../../src/common/wire/reader.js';
import type { Message } from '../../helpers/containerd-api.js';

/**
 * Type of a metrics message and the numbers of its fields: cpu, memory, pids … Their values are those of the moment,
 * and zeros are not sent.
 */
export function shapeOfMetrics(any: Message): Message {
  const reader = new WireReader(any['value'] as Buffer, 'metrics');
  const fields = new Set<number>();
  while (!reader.done) {
    const key = reader.uint32(); // field number and wire type (protobuf.dev, encoding)
    fields.add(key >>> 3);
    reader.skip(key & 7);
  }
  return { type: any['type_url'], fields: [...fields].sort((a, b) => a - b) };
}
