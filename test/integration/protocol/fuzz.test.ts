// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ERROR_CODES } from '../../../src/common/errors.js';
import { encode } from '../../../src/shim/proto/codec.js';
import { StateRequest } from '../../../src/common/messages/task.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { residentMemory } from '../../helpers/procfs.js';
import { run, until } from '../../helpers/run.js';
import { Daemon, state } from './daemon.js';
import { frame, request } from './raw-client.js';
import { OPENING, callFrames, h2Frame } from './raw-grpc.js';

const BUDGET_MS = 6_000;
const MEMORY_MARGIN = 256 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);
const METHODS = ['State', 'Create', 'Start', 'Delete', 'Kill', 'Exec', 'Wait', 'Update', 'Stats'];

let daemon: Daemon;

test.before('start a daemon', async () => {
  await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]);
  daemon = await Daemon.start();
});

test.after.always('stop it', async () => {
  await daemon.stop();
});

const payloads = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.string().map((id) => encode(StateRequest, { id })),
);

/** A message to any method with a few bytes changed, which `write` turns into a request. */
const changed = (write: (method: string, payload: Uint8Array) => Buffer): fc.Arbitrary<Buffer> =>
  fc
    .record({
      method: fc.constantFrom(...METHODS),
      payload: payloads,
      changes: fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 }),
    })
    .map(({ method, payload, changes }) => {
      const bytes = write(method, payload);
      for (const [place, value] of changes) if (place < bytes.length) bytes[place] = value;
      return bytes;
    });

/** Fields of a frame's header, and what follows it. */
const frames = fc.record({
  stream: fc.nat(),
  payload: fc.uint8Array({ maxLength: 100 }),
  type: fc.integer({ min: 0, max: 255 }),
  flags: fc.integer({ min: 0, max: 255 }),
  length: fc.option(fc.integer({ min: 0, max: 0xffffffff }), { nil: undefined, freq: 8 }),
});

const ttrpc = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  frames.map(({ stream, payload, length, ...rest }) =>
    frame(stream, payload, length === undefined ? rest : { ...rest, length }),
  ),
  changed((method, payload) => request(1, method, payload)),
);

const grpc = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  frames.map(({ payload, length, type, ...rest }) =>
    h2Frame(type % 12, payload, length === undefined ? rest : { ...rest, length: length >>> 8 }),
  ),
  changed((method, payload) => callFrames(1, method, payload)),
);

/** What the daemon has open. */
function descriptors(): string[] {
  const directory = `/proc/${String(daemon.pid)}/fd`;
  return readdirSync(directory).map((fd) => {
    try {
      return readlinkSync(join(directory, fd));
    } catch {
      return 'closed meanwhile';
    }
  });
}

/** Sends any of `pieces` after `opening`, on one connection after another. */
const survives = test.macro(
  async (t: ExecutionContext, opening: Buffer, pieces: fc.Arbitrary<Uint8Array>) => {
    t.timeout(BUDGET_MS + 60_000);
    const witness = await daemon.connect();
    await witness.ask(state(1, 'absent')); // now the daemon has it open
    const before = { count: descriptors().length, memory: (await residentMemory(daemon.pid)).now };
    let stream = 3;
    const property = fc.asyncProperty(fc.array(pieces, { maxLength: 6 }), async (bytes) => {
      const client = await daemon.connect();
      client.send(Buffer.concat([opening, ...bytes]));
      client.socket.destroySoon();
      await once(client.socket, 'close');
      const answer = await witness.ask(state(stream, 'absent'));
      if (answer?.stream !== stream || answer.code !== ERROR_CODES.notFound) return false;
      stream += 2;
      return true;
    });
    await fc.assert(property, { interruptAfterTimeLimit: BUDGET_MS, numRuns: 100_000 });
    t.log(`${String((stream - 3) / 2)} connections`);
    t.true(stream > 3);
    const areClosed = (): Promise<boolean> => Promise.resolve(descriptors().length <= before.count);
    await until('all connections to be closed', areClosed).catch((error: unknown) => {
      t.log(descriptors());
      throw error;
    });
    t.true((await residentMemory(daemon.pid)).now < before.memory + MEMORY_MARGIN);
  },
);

test.serial('whatever is sent, the daemon goes on serving others', survives, NOTHING, ttrpc);
test.serial('whatever is sent after the preface of gRPC, likewise', survives, OPENING, grpc);
