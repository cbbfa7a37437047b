// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import test from 'ava';
import * as bootstrap from '../../../../src/shim/proto/bootstrap.js';
import { decode, encode, type Field, type Message } from '../../../../src/shim/proto/codec.js';
import * as events from '../../../../src/shim/proto/events.js';
import { MetricsV1 } from '../../../../src/shim/proto/metrics-v1.js';
import { MetricsV2 } from '../../../../src/shim/proto/metrics-v2.js';
import * as options from '../../../../src/shim/proto/options.js';
import * as task from '../../../../src/shim/proto/task.js';
import * as ttrpc from '../../../../src/shim/proto/ttrpc.js';
import * as types from '../../../../src/shim/proto/types.js';

const PROTO = fileURLToPath(new URL('../../../../../proto/', import.meta.url));
const reference = loadSync(
  [
    'runtime/task/shim_v2.proto',
    'runtime/task/shim_v3.proto',
    'runtime/bootstrap/bootstrap.proto',
    'types/runtime.proto',
    'events/task.proto',
    'events/forward.proto',
    'ttrpc/request.proto',
    'runc/options.proto',
    'mvas/options.proto',
    'runtimeoptions/options.proto',
    'cgroups/v1.proto',
    'cgroups/v2.proto',
  ],
  { includeDirs: [PROTO], longs: Number, enums: Number, defaults: true },
);

interface Codec {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): Record<string, unknown>;
}

function codecOf(name: string): Codec {
  return reference[name] as unknown as MessageTypeDefinition<object, object> & Codec;
}

/** A value with something in every field. */
function sample(type: Message): Record<string, unknown> {
  const entries = Object.entries(type.fields).map(([name, spec]) => {
    const one = sampleOf(spec);
    return [name, spec.repeated ? [one, one] : one] as const;
  });
  return Object.fromEntries(entries);
}

function sampleOf({ kind, number }: Field<unknown>): unknown {
  if (typeof kind === 'object') return sample(kind);
  if (kind === 'string') return `text ${number} ü`;
  if (kind === 'bytes') return Buffer.from([0, number, 255]);
  if (kind === 'bool') return true;
  if (kind === 'int64') return 2 ** 40 + number;
  if (kind === 'int32') return -number;
  if (kind === 'uint32') return 2 ** 32 - number;
  return number;
}

/** protobufjs's own definition of Any keeps the underscore of its one long field. */
function respelled(value: unknown, from: string, to: string): unknown {
  if (Array.isArray(value)) return value.map((item) => respelled(item, from, to));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(
    ([name, member]) => [name === from ? to : name, respelled(member, from, to)] as const,
  );
  return Object.fromEntries(entries);
}

const agrees = test.macro({
  exec(t, name: string, type: Message) {
    const value = sample(type);
    const theirs = codecOf(name);
    const bytes = Buffer.from(encode(type, value));
    t.deepEqual(bytes, theirs.serialize(respelled(value, 'typeUrl', 'type_url') as object));
    t.deepEqual(Buffer.from(encode(type, decode<object>(type, bytes))), bytes, 'comes back');
    const read = respelled(theirs.deserialize(bytes), 'type_url', 'typeUrl') as object;
    t.deepEqual(Buffer.from(encode(type, read)), bytes, 'is read the same');
  },
  title: (_, name) => `${String(name)} is coded as its .proto says`,
});

const TASK: Readonly<Record<string, Message>> = {
  StateRequest: task.ProcessRequest,
  StateResponse: task.StateResponse,
  CreateTaskRequest: task.CreateTaskRequest,
  CreateTaskResponse: task.PidResponse,
  StartRequest: task.ProcessRequest,
  StartResponse: task.PidResponse,
  DeleteRequest: task.ProcessRequest,
  DeleteResponse: task.DeleteResponse,
  PidsRequest: task.IdRequest,
  PidsResponse: task.PidsResponse,
  PauseRequest: task.IdRequest,
  ResumeRequest: task.IdRequest,
  CheckpointTaskRequest: task.CheckpointTaskRequest,
  KillRequest: task.KillRequest,
  ExecProcessRequest: task.ExecProcessRequest,
  ResizePtyRequest: task.ResizePtyRequest,
  CloseIORequest: task.CloseIORequest,
  WaitRequest: task.ProcessRequest,
  WaitResponse: task.WaitResponse,
  StatsRequest: task.IdRequest,
  StatsResponse: task.StatsResponse,
  ConnectRequest: task.IdRequest,
  ConnectResponse: task.ConnectResponse,
  ShutdownRequest: task.ShutdownRequest,
};

for (const version of ['v2', 'v3']) {
  for (const [name, type] of Object.entries(TASK)) {
    test(agrees, `containerd.task.${version}.${name}`, type);
  }
}

const OTHERS: Readonly<Record<string, Message>> = {
  'containerd.types.Mount': types.Mount,
  'containerd.types.RuntimeInfo': bootstrap.RuntimeInfo,
  'containerd.runtime.bootstrap.v1.BootstrapParams': bootstrap.BootstrapParams,
  'containerd.events.TaskCreate': events.TaskCreate,
  'containerd.events.TaskStart': events.TaskStart,
  'containerd.events.TaskExit': events.TaskExit,
  'containerd.events.TaskDelete': events.TaskDelete,
  'containerd.events.TaskExecAdded': events.TaskExecAdded,
  'containerd.events.TaskExecStarted': events.TaskExecStarted,
  'containerd.events.TaskOOM': events.TaskNamed,
  'containerd.events.TaskPaused': events.TaskNamed,
  'containerd.events.TaskResumed': events.TaskNamed,
  'containerd.events.TaskCheckpointed': events.TaskCheckpointed,
  'containerd.services.events.ttrpc.v1.ForwardRequest': events.ForwardRequest,
  'ttrpc.Request': ttrpc.Request,
  'ttrpc.Response': ttrpc.Response,
  'google.rpc.Status': ttrpc.Status,
  'io.containerd.cgroups.v1.Metrics': MetricsV1,
  'io.containerd.cgroups.v2.Metrics': MetricsV2,
  'containerd.runc.v1.Options': options.RuncOptions,
  'mvas.v1.Options': options.MvasOptions,
  'runtimeoptions.v1.Options': options.RuntimeOptions,
  'containerd.runc.v1.CheckpointOptions': options.CheckpointOptions,
  'containerd.runc.v1.ProcessDetails': options.ProcessDetails,
};

for (const [name, type] of Object.entries(OTHERS)) test(agrees, name, type);

test('annotations of an Update are read from a map', (t) => {
  const theirs = codecOf('containerd.task.v2.UpdateTaskRequest');
  const bytes = theirs.serialize({ id: 'a', annotations: { one: '1' } });
  const { id, annotations } = decode(task.UpdateTaskRequest, bytes);
  t.deepEqual({ id, annotations }, { id: 'a', annotations: [{ key: 'one', value: '1' }] });
});

test('fields that are not known are skipped', (t) => {
  const bytes = codecOf('containerd.task.v2.StateResponse').serialize({
    id: 'a',
    pid: 7,
    exitedAt: { seconds: 1, nanos: 2 },
  });
  t.is(decode(task.IdRequest, bytes).id, 'a');
});
