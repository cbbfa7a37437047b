// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { ERROR_CODES } from '../../../src/common/errors.js';
import { decode, encode } from '../../../src/shim/proto/codec.js';
import {
  ExecProcessRequest,
  StateRequest,
  WaitResponse,
} from '../../../src/common/messages/task.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { run } from '../../helpers/run.js';
import { Daemon, state, wait } from './daemon.js';
import { frame, LIMIT, request } from './raw-client.js';

/** A task that the daemon does not have. */
const ABSENT = 'absent';
const NOTHING = new Uint8Array(0);

let daemon: Daemon;

test.before('start a daemon', async () => {
  await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]);
  daemon = await Daemon.start();
});

test.after.always('stop it', async () => {
  await daemon.stop();
});

test.serial('unknown services and methods are unimplemented, each on its stream', async (t) => {
  const client = await daemon.connect();
  client.send(request(1, 'State', NOTHING, { service: 'no.such.Service' }));
  client.send(request(3, 'NoSuchMethod', NOTHING));
  client.send(request(5, '', NOTHING, { service: '' }));
  client.send(state(7, ABSENT));
  const answers = [...(await client.until(4))].sort((a, b) => a.stream - b.stream);
  t.deepEqual(
    answers.map(({ stream, code }) => [stream, code]),
    [
      [1, ERROR_CODES.unimplemented],
      [3, ERROR_CODES.unimplemented],
      [5, ERROR_CODES.unimplemented],
      [7, ERROR_CODES.notFound],
    ],
  );
});

test.serial('bytes that are no message are refused, and the connection goes on', async (t) => {
  const client = await daemon.connect();
  const garbage = Buffer.from('ffffffffffffffffffffffff', 'hex');
  t.is((await client.ask(frame(1, garbage)))?.code, ERROR_CODES.invalidArgument);
  const inside = await client.ask(request(3, 'State', garbage));
  t.is(inside?.code, ERROR_CODES.invalidArgument);
  t.is((await client.ask(frame(5, NOTHING)))?.code, ERROR_CODES.unimplemented);
  t.is((await client.ask(state(7, ABSENT)))?.code, ERROR_CODES.notFound);
});

test.serial('even stream ids are refused, other types of frames ignored', async (t) => {
  const client = await daemon.connect();
  t.is((await client.ask(state(2, ABSENT)))?.code, ERROR_CODES.invalidArgument);
  for (const type of [0, 2, 3, 4, 255]) client.send(frame(3, Buffer.from('text'), { type }));
  t.is((await client.ask(state(5, ABSENT)))?.stream, 5);
});

test.serial(
  'an oversize frame is refused on its stream, and the next one is answered',
  async (t) => {
    const client = await daemon.connect();
    client.send(frame(1, Buffer.alloc(LIMIT + 1)));
    t.like(await client.ask(state(3, ABSENT)), { stream: 1, code: ERROR_CODES.resourceExhausted });
    t.like((await client.until(2))[1], { stream: 3, code: ERROR_CODES.notFound });
  },
);

test.serial('a frame of the largest size is answered by one that is not larger', async (t) => {
  const client = await daemon.connect();
  const overhead = state(1, '').length + 16;
  const answer = await client.ask(state(1, 'x'.repeat(LIMIT - overhead)));
  t.is(answer?.code, ERROR_CODES.notFound);
  t.true((answer?.message.length ?? LIMIT) < LIMIT / 2);
});

test.serial('a frame is a frame, whatever pieces it comes in', async (t) => {
  const client = await daemon.connect();
  client.socket.setNoDelay(true);
  for (const byte of state(1, ABSENT)) {
    client.send(Uint8Array.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const two = Buffer.concat([state(3, ABSENT), state(5, ABSENT)]);
  client.send(two);
  t.deepEqual(
    (await client.until(3)).map(({ stream }) => stream),
    [1, 3, 5],
  );
});

test.serial('time limits that make no sense do no harm', async (t) => {
  const client = await daemon.connect();
  const payload = encode(StateRequest, { id: ABSENT });
  for (const [index, timeoutNano] of [-1n, 1n, 2n ** 63n - 1n].entries()) {
    const answer = await client.ask(request(index * 2 + 1, 'State', payload, { timeoutNano }));
    t.is(answer?.code, ERROR_CODES.notFound);
  }
});

test.serial('a connection that is cut in mid-frame takes nothing with it', async (t) => {
  const whole = state(1, ABSENT);
  for (const length of [1, 9, 10, 11, whole.length - 1]) {
    const client = await daemon.connect();
    client.send(whole.subarray(0, length));
    client.socket.destroySoon();
    await once(client.socket, 'close');
  }
  const other = await daemon.connect();
  t.is((await other.ask(whole))?.code, ERROR_CODES.notFound);
});

test.serial('a half-closed connection is closed by the daemon as well', async (t) => {
  const client = await daemon.connect();
  client.send(state(1, ABSENT));
  const ended = once(client.socket, 'end');
  client.socket.end();
  await ended;
  t.is((await (await daemon.connect()).ask(state(1, ABSENT)))?.code, ERROR_CODES.notFound);
});

test.serial('a client that does not read holds up nobody, and reads all in the end', async (t) => {
  const count = 30_000;
  const slow = await daemon.connect();
  slow.socket.pause();
  const id = `${ABSENT}-${'x'.repeat(200)}`;
  slow.send(Buffer.concat(Array.from({ length: count }, (_, index) => state(index * 2 + 1, id))));
  const other = await daemon.connect();
  t.is((await other.ask(state(1, ABSENT)))?.code, ERROR_CODES.notFound);
  slow.socket.resume();
  const streams = (await slow.until(count)).map(({ stream }) => stream);
  t.is(new Set(streams).size, count);
});

test.serial('a thousand waits are answered at the end of their task, others before', async (t) => {
  t.timeout(120_000);
  const id = `waits-${String(process.pid)}`;
  await daemon.runSleeper(id);
  const clients = await Promise.all(Array.from({ length: 10 }, () => daemon.connect()));
  const streams = Array.from({ length: 100 }, (_, index) => index * 2 + 1);
  for (const client of clients) {
    client.send(Buffer.concat(streams.map((stream) => wait(stream, id))));
    const answer = await client.ask(state(1001, id));
    t.is(answer?.stream, 1001, 'what is asked last is answered first');
  }
  const gone = await daemon.connect();
  gone.send(wait(1, id));
  gone.close();
  await daemon.kill(id);
  for (const client of clients) {
    const [, ...answers] = await client.until(streams.length + 1);
    t.deepEqual([...new Set(answers.map(({ stream }) => stream))].length, streams.length);
    const statuses = answers.map(({ payload }) => decode(WaitResponse, payload).exitStatus);
    t.deepEqual([...new Set(statuses)], [137]);
  }
  t.is((await daemon.delete(id))?.code, 0);
});

test.serial('requests that lack everything are refused by name, not by a crash', async (t) => {
  const client = await daemon.connect();
  const methods =
    'State Create Start Delete Pids Pause Resume Checkpoint Kill Exec ResizePty CloseIO Update Wait Stats';
  for (const [index, method] of methods.split(' ').entries()) {
    const answer = await client.ask(request(index * 2 + 1, method, NOTHING));
    t.not(answer?.code, 0, method);
    t.not(answer?.code, ERROR_CODES.unimplemented, method);
    t.not(answer?.message, '', method);
  }
  const exec = encode(ExecProcessRequest, { id: ABSENT, execId: '../../x' });
  t.is((await client.ask(request(101, 'Exec', exec)))?.code, ERROR_CODES.notFound);
});
