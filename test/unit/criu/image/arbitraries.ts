// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import type { FieldContent } from '../../../../src/common/wire/schema.js';
import type { ScalarType } from '../../../../src/common/wire/tables.js';
import { IMAGE_SCHEMA, type MessageName } from '../../../../src/criu/image/schema.js';
import type { ImageMessages } from '../../../../src/criu/image/types.js';

const MAX_UINT64 = (1n << 64n) - 1n;
const INT64 = { min: -(1n << 63n), max: (1n << 63n) - 1n };

/** Any valid value of a message, nested ones to a small depth. */
export function messageArbitrary<M extends MessageName>(
  name: M,
  depth = 3,
): fc.Arbitrary<ImageMessages[M]> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  const required: string[] = [];
  for (const { name: field, label, content } of IMAGE_SCHEMA.shapeOf(name).fields) {
    const nested = content.kind === 'message';
    const repeated = label === 'repeated' || label === 'packed';
    if (nested && label !== 'required' && depth === 0) {
      if (!repeated) continue;
      model[field] = fc.constant([]);
    } else {
      const single = contentArbitrary(content, Math.max(0, depth - 1));
      model[field] = repeated ? fc.array(single, { maxLength: nested ? 2 : 5 }) : single;
    }
    if (label !== 'optional') required.push(field);
  }
  const options = { requiredKeys: required, noNullPrototype: true };
  return fc.record(model, options) as unknown as fc.Arbitrary<ImageMessages[M]>;
}

function contentArbitrary(content: FieldContent, depth: number): fc.Arbitrary<unknown> {
  if (content.kind === 'message') return messageArbitrary(content.message as MessageName, depth);
  if (content.kind === 'enum') return fc.constantFrom(...content.numbers.keys());
  return scalarArbitrary(content.scalar);
}

function scalarArbitrary(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffffffff });
    case 'int32':
    case 'sint32':
      return fc.integer({ min: -0x80000000, max: 0x7fffffff });
    case 'uint64':
    case 'fixed64':
      return fc.bigInt({ min: 0n, max: MAX_UINT64 });
    case 'int64':
    case 'sint64':
      return fc.bigInt(INT64);
    case 'bool':
      return fc.boolean();
    case 'double':
      return fc.double();
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replaceAll('\0', 'x'));
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 });
  }
}
