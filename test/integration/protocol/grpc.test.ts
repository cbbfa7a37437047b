// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ERROR_CODES } from '../../../src/common/errors.js';
import { decode, encode } from '../../../src/shim/proto/codec.js';
import { StateRequest, WaitResponse } from '../../../src/common/messages/task.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { run, until } from '../../helpers/run.js';
import { Daemon } from './daemon.js';
import { FRAME, OPENING, answerOf, callFrames, framesOf, h2Frame, message } from './raw-grpc.js';
import { LIMIT } from './raw-client.js';

const ABSENT = encode(StateRequest, { id: 'absent' });
const NOTHING = new Uint8Array(0);
const GARBAGE = Buffer.from('ffffffffffffffffffffffff', 'hex');

let daemon: Daemon;

test.before('start a daemon', async () => {
  await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]);
  daemon = await Daemon.start();
});

test.after.always('stop it', async () => {
  await daemon.stop();
});

test.serial('unknown services and methods are unimplemented', async (t) => {
  const client = await daemon.connectGrpc();
  const answers = await Promise.all([
    client.call('State', NOTHING, { service: 'no.such.Service' }),
    client.call('NoSuchMethod', NOTHING),
    client.call('', NOTHING, { service: '' }),
    client.call('State', ABSENT),
  ]);
  const { unimplemented, notFound } = ERROR_CODES;
  t.deepEqual(
    answers.map(({ code }) => code),
    [unimplemented, unimplemented, unimplemented, notFound],
  );
});

test.serial(
  'bytes that are not a message are refused, and the connection stays open',
  async (t) => {
    const client = await daemon.connectGrpc();
    t.is((await client.call('State', GARBAGE)).code, ERROR_CODES.invalidArgument);
    const bodies = {
      'no message': NOTHING,
      'half a prefix': Buffer.alloc(3),
      'less than announced': message(ABSENT, { length: ABSENT.length + 1 }),
      'two messages': Buffer.concat([message(ABSENT), message(ABSENT)]),
      'an unknown compression': message(ABSENT, { compressed: 1 }),
      'no prefix': GARBAGE,
    };
    for (const [what, body] of Object.entries(bodies)) {
      const { code } = await client.send('State', body);
      t.true(code !== undefined && code !== 0, `${what}: ${String(code)}`);
      t.is((await client.call('State', ABSENT)).code, ERROR_CODES.notFound, what);
    }
  },
);

test.serial('HTTP that is not gRPC is refused, and the connection stays open', async (t) => {
  const client = await daemon.connectGrpc();
  const odd = [
    { ':method': 'GET' },
    { 'content-type': 'text/plain' },
    { 'grpc-encoding': 'no-such' },
    { 'grpc-timeout': 'soon' },
    { 'grpc-timeout': '99999999999999H' },
  ];
  for (const headers of odd) {
    const { http, code } = await client.call('State', ABSENT, { headers });
    t.false(http === 200 && code === 0, JSON.stringify(headers));
    t.is((await client.call('State', ABSENT)).code, ERROR_CODES.notFound);
  }
});

test.serial('an oversized message is refused, and the next one is answered', async (t) => {
  const client = await daemon.connectGrpc();
  const large = await client.call('State', Buffer.alloc(LIMIT + 1));
  t.is(large.code, ERROR_CODES.resourceExhausted);
  const announced = await client.send('State', message(ABSENT, { length: 0xffffffff }));
  t.is(announced.code, ERROR_CODES.resourceExhausted);
  t.is((await client.call('State', ABSENT)).code, ERROR_CODES.notFound);
});

test.serial('a message of the largest size is answered by one no larger', async (t) => {
  const client = await daemon.connectGrpc();
  for (const letter of ['x', 'é', '€', '😀', '%', '\n']) {
    const times = Math.floor((LIMIT - 16) / Buffer.byteLength(letter));
    const answer = await client.call('State', encode(StateRequest, { id: letter.repeat(times) }));
    t.is(answer.code, ERROR_CODES.notFound, letter);
    t.true(answer.message.length < LIMIT / 2);
  }
});

test.serial('a message may arrive in any number of pieces', async (t) => {
  const client = await daemon.connectGrpc();
  const stream = client.begin('State');
  const answer = answerOf(stream);
  for (const byte of message(ABSENT)) {
    stream.write(Uint8Array.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  stream.end();
  t.is((await answer).code, ERROR_CODES.notFound);
});

/** A connection on which any bytes can be sent, and what came back. */
function reader(t: ExecutionContext): { socket: Socket; seen: () => Buffer } {
  const chunks: Buffer[] = [];
  const socket = connect(daemon.socket);
  t.teardown(() => socket.destroy());
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
  return { socket, seen: () => Buffer.concat(chunks) };
}

/** Frames that break HTTP/2, after the preface. */
const BROKEN = {
  'no frames': Buffer.concat([GARBAGE, GARBAGE]),
  'headers that cannot be unpacked': h2Frame(FRAME.headers, GARBAGE, { stream: 1, flags: 4 }),
  'a frame beyond the largest size': h2Frame(FRAME.data, Buffer.alloc(1 << 15), { stream: 1 }),
  'settings of an odd length': h2Frame(FRAME.settings, Buffer.alloc(5)),
  'data on no stream': h2Frame(FRAME.data, message(ABSENT)),
};

for (const [what, bytes] of Object.entries(BROKEN)) {
  test.serial(`${what}: the connection is closed, others stay open`, async (t) => {
    const peer = reader(t);
    peer.socket.write(Buffer.concat([OPENING, bytes]));
    const isGivenUp = (): boolean =>
      peer.socket.destroyed || framesOf(peer.seen()).some(({ type }) => type === FRAME.goAway);
    await t.notThrowsAsync(until('the end', () => Promise.resolve(isGivenUp())));
    const other = await daemon.connectGrpc();
    t.is((await other.call('State', ABSENT)).code, ERROR_CODES.notFound);
  });
}

test.serial('a connection that is cut at any point harms nothing else', async (t) => {
  const whole = Buffer.concat([OPENING, callFrames(1, 'State', ABSENT)]);
  const witness = await daemon.connectGrpc();
  for (let length = 1; length <= whole.length; length += 7) {
    const socket = connect(daemon.socket);
    socket.on('error', () => undefined).resume();
    socket.end(whole.subarray(0, length));
    await once(socket, 'close');
  }
  t.is((await witness.call('State', ABSENT)).code, ERROR_CODES.notFound);
});

test.serial(
  'a client that does not read blocks nobody, and can read everything later',
  async (t) => {
    const count = 10_000;
    const slow = reader(t);
    slow.socket.pause();
    const request = encode(StateRequest, { id: `absent-${'x'.repeat(200)}` });
    const calls = Array.from({ length: count }, (_, index) =>
      callFrames(index * 2 + 1, 'State', request),
    );
    slow.socket.write(Buffer.concat([OPENING, ...calls]));
    const other = await daemon.connectGrpc();
    t.is((await other.call('State', ABSENT)).code, ERROR_CODES.notFound);
    slow.socket.resume();
    const ends = (): number => framesOf(slow.seen()).filter(({ isLast }) => isLast).length;
    await t.notThrowsAsync(until('all answers', () => Promise.resolve(ends() === count)));
  },
);

test.serial('streams that are reset as soon as they begin do no harm', async (t) => {
  const client = await daemon.connectGrpc();
  const id = `resets-${String(process.pid)}`;
  const payload = message(encode(StateRequest, { id }));
  await daemon.runSleeper(id);
  for (let round = 0; round < 20; round += 1) {
    const streams = Array.from({ length: 50 }, () => client.begin('Wait'));
    const ends = streams.map((stream) => answerOf(stream));
    for (const stream of streams) {
      stream.write(payload);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await Promise.all(ends);
  }
  const other = await daemon.connectGrpc();
  t.is((await other.call('State', encode(StateRequest, { id }))).code, 0);
  await daemon.kill(id);
  t.is((await daemon.delete(id))?.code, 0);
});

test.serial('a thousand Waits are answered when their task ends, other calls before', async (t) => {
  t.timeout(120_000);
  const id = `grpc-waits-${String(process.pid)}`;
  const request = encode(StateRequest, { id });
  await daemon.runSleeper(id);
  const clients = await Promise.all(Array.from({ length: 10 }, () => daemon.connectGrpc()));
  let answered = 0;
  const waits = clients.flatMap((client) =>
    Array.from({ length: 100 }, () =>
      client.call('Wait', request).finally(() => {
        answered += 1;
      }),
    ),
  );
  for (const client of clients) t.is((await client.call('State', request)).code, 0);
  t.is(answered, 0, 'what is asked last is answered first');
  await daemon.kill(id);
  const statuses = (await Promise.all(waits)).map(
    ({ payload }) => decode(WaitResponse, payload).exitStatus,
  );
  t.deepEqual([...new Set(statuses)], [137]);
  t.is((await daemon.delete(id))?.code, 0);
});

test.serial('empty requests are refused, naming what is missing', async (t) => {
  const client = await daemon.connectGrpc();
  const methods =
    'State Create Start Delete Pids Pause Resume Checkpoint Kill Exec ResizePty CloseIO Update Wait Stats';
  for (const method of methods.split(' ')) {
    const { code, message: words } = await client.call(method, NOTHING);
    t.not(code, 0, method);
    t.not(code, ERROR_CODES.unimplemented, method);
    t.not(words, '', method);
  }
});
