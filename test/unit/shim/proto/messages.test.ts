// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import test from 'ava';
import { DEFAULTS } from '../../../../src/common/wire/schema.js';
import type { FieldRow, MessageTables, ScalarType } from '../../../../src/common/wire/tables.js';
import { anyOf, decode, encode, type MessageName } from '../../../../src/shim/proto/codec.js';
import { SHIM_MESSAGES } from '../../../../src/shim/proto/messages/index.js';
import { PauseRequest, UpdateTaskRequest } from '../../../../src/shim/proto/messages/task.js';

const PROTO = fileURLToPath(new URL('../../../../../proto/', import.meta.url));
/** What another reader of the same files makes of them. */
const reference = loadSync(
  [
    'runtime/task/shim_v2.proto',
    'runtime/task/shim_v3.proto',
    'runtime/bootstrap/bootstrap.proto',
    'types/runtime.proto',
    'events/task.proto',
    'events/forward.proto',
    'services/content.proto',
    'services/version.proto',
    'ttrpc/request.proto',
    'runc/options.proto',
    'mvas/options.proto',
    'runtimeoptions/options.proto',
    'cgroups/v1.proto',
    'cgroups/v2.proto',
  ],
  { includeDirs: [PROTO], longs: String, enums: Number, defaults: true },
);
const TABLES: MessageTables = SHIM_MESSAGES;

interface Codec {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): Record<string, unknown>;
}

function codecOf(name: string): Codec {
  return reference[name] as unknown as MessageTypeDefinition<object, object> & Codec;
}

/** A value with something in every field. */
function sample(name: string): Record<string, unknown> {
  const entries = (TABLES[name] ?? []).map((row) => {
    const one = sampleOf(row);
    return [row[0], row[2] === 'repeated' || row[2] === 'packed' ? [one, one] : one] as const;
  });
  return Object.fromEntries(entries);
}

function sampleOf([, number, , type]: FieldRow): unknown {
  if (!(type in DEFAULTS)) return sample(type);
  const scalar = type as ScalarType;
  if (scalar === 'string') return `text ${number} ü`;
  if (scalar === 'bytes') return Uint8Array.of(0, number, 255);
  if (scalar === 'bool') return true;
  if (scalar === 'int64') return -(2n ** 60n) - BigInt(number);
  if (scalar === 'uint64') return 2n ** 64n - BigInt(number);
  if (scalar === 'int32') return -number;
  if (scalar === 'uint32') return 2 ** 32 - number;
  return number + 0.5;
}

/** A message as protobufjs has it: 64-bit integers as text, and its own definition of Any keeps an underscore. */
function theirs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(theirs);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([name, member]) => [name === 'typeUrl' ? 'type_url' : name, theirs(member)] as const,
  );
  return Object.fromEntries(entries);
}

const agrees = test.macro({
  exec(t, name: MessageName, reads: string) {
    const value = sample(name);
    const bytes = Buffer.from(encode(name, value));
    t.deepEqual(bytes, codecOf(reads).serialize(theirs(value) as object));
    t.deepEqual(decode<MessageName>(name, bytes), value as object, 'comes back');
    t.deepEqual(theirs(codecOf(reads).deserialize(bytes)), theirs(value), 'is read the same');
    t.deepEqual(encode(name, decode(name, new Uint8Array())), new Uint8Array(), 'and nothing');
  },
  title: (_, __, reads) => `${String(reads)} is coded as its .proto says`,
});

for (const name of Object.keys(SHIM_MESSAGES) as MessageName[]) {
  if (name.endsWith('Entry') && name.includes('.UpdateTaskRequest.')) continue; // A map's.
  if (name === UpdateTaskRequest) continue; // Has the map.
  test(agrees, name, name);
  if (name.startsWith('containerd.task.v2.')) test(agrees, name, name.replace('.v2.', '.v3.'));
}

test('annotations of an Update are read from a map', (t) => {
  const bytes = codecOf(UpdateTaskRequest).serialize({ id: 'a', annotations: { one: '1' } });
  const { id, annotations } = decode(UpdateTaskRequest, bytes);
  t.deepEqual({ id, annotations }, { id: 'a', annotations: [{ key: 'one', value: '1' }] });
});

test('fields that are not known are skipped', (t) => {
  const state = { id: 'a', pid: 7, exitedAt: { seconds: 1, nanos: 2 } };
  const bytes = codecOf('containerd.task.v2.StateResponse').serialize(state);
  t.is(decode(PauseRequest, bytes).id, 'a');
});

test('of values given twice the last one counts, and numbers are cut to their bits', (t) => {
  const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
  t.is(decode(PauseRequest, bytes('0a0161' + '0a0162')).id, 'b');
  t.is(decode('containerd.task.v2.StartResponse', bytes('088180808010')).pid, 1);
  t.is(decode('google.rpc.Status', bytes('08ffffffffff1f')).code, -1);
  t.true(decode('containerd.task.v2.ShutdownRequest', bytes('1002')).now);
  t.is(decode(PauseRequest, bytes('0a02ff00')).id, '\ufffd\0');
});

test('text is written whatever is in it', (t) => {
  const id = decode(PauseRequest, encode(PauseRequest, { id: 'a\0\ud800' })).id;
  t.is(id, 'a\0\ufffd');
});

test("an Any's type is the name of its message", (t) => {
  const any = anyOf('containerd.events.TaskOOM', { containerId: 'a' });
  t.is(any.typeUrl, 'containerd.events.TaskOOM');
  t.is(Buffer.from(any.value ?? []).toString('hex'), '0a0161');
});
