// SPDX-License-Identifier: Apache-2.0
import { assertInvariant } from '../../common/errors.js';
import type { EnumTables, FieldLabel, MessageTables, ScalarType } from './fields.js';
import { IMAGE_ENUMS, IMAGE_MESSAGES, type ImageMessages } from './messages/index.js';

/** Name of a message of the image format. */
export type MessageName = keyof ImageMessages;

/** What a field holds. */
export type FieldContent =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | {
      readonly kind: 'enum';
      readonly numbers: ReadonlyMap<string, number>;
      readonly words: ReadonlyMap<number, string>;
    }
  | { readonly kind: 'message'; readonly message: MessageName };

/** A field, resolved. */
export interface PlannedField {
  readonly name: string;
  readonly number: number;
  readonly label: FieldLabel;
  readonly content: FieldContent;
  /** Position among the message's fields: a bit of the seen mask. */
  readonly index: number;
}

/** How to read and write one message. */
export interface MessagePlan {
  readonly name: MessageName;
  readonly fields: readonly PlannedField[];
  readonly byNumber: ReadonlyMap<number, PlannedField>;
}

const SCALARS: ReadonlySet<string> = new Set<ScalarType>([
  'uint32',
  'int32',
  'sint32',
  'uint64',
  'int64',
  'sint64',
  'fixed64',
  'bool',
  'string',
  'bytes',
]);

const MESSAGES: MessageTables = IMAGE_MESSAGES;
const ENUMS: EnumTables = IMAGE_ENUMS;
const plans = new Map<MessageName, MessagePlan>();

/** The plan of a message; made at first use, then kept. */
export function planOf(name: MessageName): MessagePlan {
  const known = plans.get(name);
  if (known) return known;
  const fields = (MESSAGES[name] ?? []).map(
    ([field, number, label, type], index): PlannedField => ({
      name: field,
      number,
      label,
      content: contentOf(type),
      index,
    }),
  );
  const plan = { name, fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
  plans.set(name, plan);
  return plan;
}

function contentOf(type: string): FieldContent {
  if (SCALARS.has(type)) return { kind: 'scalar', scalar: type as ScalarType };
  if (type in MESSAGES) return { kind: 'message', message: type as MessageName };
  const words = ENUMS[type];
  assertInvariant(words !== undefined, `the image format knows type ${type}`);
  const pairs = Object.entries(words);
  return {
    kind: 'enum',
    numbers: new Map(pairs),
    words: new Map(pairs.map(([word, number]) => [number, word])),
  };
}
