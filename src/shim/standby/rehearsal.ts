// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertInvariant } from '../../common/errors.js';
import { Scope } from '../../common/scope.js';
import { anyOf, encode, type MessageName, type ShimMessages } from '../proto/codec.js';
import { Options as RuncOptions } from '../../common/messages/runc-options.js';
import * as proto from '../../common/messages/task.js';
import { TtrpcClient } from '../rpc/client.js';
import { TtrpcServer } from '../rpc/server.js';
import { taskMethods } from '../task-methods.js';
import { Registry } from '../task/registry.js';
import { TaskService } from '../task/service.js';
import { openSampleGroup } from './sample-start.js';

const CALL_MS = 1_000;
/** Code that has run a few times takes a fraction of the time of its first run. */
const TIMES = 3;
const ID = 'rehearsal';

/**
 * Serves calls about a container that never comes into being, with a runc that always fails: so the code that every
 * container runs has run before the first one. Leaves nothing behind, in particular no thread.
 *
 * @param directory private to the standby
 */
export async function rehearse(directory: string): Promise<void> {
  const own = join(directory, ID);
  const bundle = join(own, 'bundle');
  const remove = (): void => {
    rmSync(own, { recursive: true, force: true });
  };
  const scope = new Scope();
  scope.defer('remove the rehearsal', remove);
  try {
    remove(); // Left by a standby that was killed in its rehearsal.
    mkdirSync(bundle, { recursive: true, mode: 0o700 });
    writeFileSync(join(bundle, 'config.json'), '{}');
    const { server, socket } = await openSampleGroup(own, bundle, ID);
    assertInvariant(server !== undefined, 'the group of a rehearsal is new');
    scope.defer('close the server', () => {
      server.close();
    });
    const rpc = new TtrpcServer(
      taskMethods(new TaskService(nobody(), { shutdown: () => undefined })),
    );
    server.on('connection', (connection) => {
      rpc.accept(connection);
    });
    const client = await TtrpcClient.connect(socket, CALL_MS);
    scope.defer('close the client', () => {
      client.close();
    });
    for (let time = 0; time < TIMES; time += 1) await callAll(client, bundle);
  } finally {
    await scope.close();
  }
}

function nobody(): Registry {
  const never = new Promise<never>(() => undefined);
  return new Registry({
    namespace: ID,
    exits: { exitOf: () => never, launching: (work) => work() },
    engine: {
      checkpoint: () => never,
      spareVas: () => never,
      series: () => never,
      beginRestore: () => never,
      copyTree: () => never,
      addLayer: () => never,
      runMvas: () => never,
      findSnapshot: () => never,
      failsAlways: () => never,
      noteStart: () => never,
    },
    publish: () => undefined,
  });
}

async function callAll(client: TtrpcClient, bundle: string): Promise<void> {
  const call = async <N extends MessageName>(
    method: string,
    request: N,
    value: Partial<ShimMessages[N]>,
  ) => {
    const payload = encode(request, value);
    const service = 'containerd.task.v2.Task';
    // All except Connect are refused: there is no such container.
    await client.call({ service, method, payload, timeoutMs: CALL_MS }).catch(() => undefined);
  };
  const options = anyOf(RuncOptions, { binaryName: '/bin/false', root: bundle });
  await call('Create', proto.CreateTaskRequest, { id: ID, bundle, options });
  await call('Connect', proto.ConnectRequest, { id: ID });
  for (const method of ['Start', 'Wait', 'State', 'Delete']) {
    await call(method, proto.StateRequest, { id: ID });
  }
  await call('Kill', proto.KillRequest, { id: ID, signal: 9 });
}
