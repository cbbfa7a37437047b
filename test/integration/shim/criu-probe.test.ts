// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { syscall } from '../../../src/native/index.js';
import { SYS, check } from '../../../src/native/sys.js';
import { BIN } from '../../helpers/paths.js';
import { tryRun } from '../../helpers/run.js';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;

/** Sends one packet to the responder, as containerd does; resolves with answer and exit code. */
async function ask(request: Buffer): Promise<{ readonly answer: Buffer; readonly code: number }> {
  const pair = Buffer.alloc(8);
  check('make a socket pair', syscall(SYS.socketpair, AF_UNIX, SOCK_SEQPACKET, 0, pair));
  const [ours, theirs] = [pair.readInt32LE(0), pair.readInt32LE(4)];
  const child = spawn(join(BIN, 'mvas-criu-probe'), ['swrk', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', theirs],
  });
  const ended = once(child, 'exit') as Promise<[number]>;
  closeSync(theirs);
  writeSync(ours, request);
  const [code] = await ended;
  const buffer = Buffer.alloc(4096);
  const answer = Buffer.from(buffer.subarray(0, readSync(ours, buffer)));
  closeSync(ours);
  return { answer, code };
}

test('a version request is answered with 3.16', async (t) => {
  const { answer, code } = await ask(Buffer.from([0x08, 10]));
  t.is(answer.toString('hex'), '080a1001520408031010');
  t.is(code, 0);
});

test('any other request fails with a message', async (t: ExecutionContext) => {
  const { answer, code } = await ask(Buffer.from([0x08, 1, 0x12, 0]));
  t.deepEqual([...answer.subarray(0, 5)], [0x08, 1, 0x10, 0, 0x4a]);
  t.regex(answer.toString(), /this is not CRIU/);
  t.is(code, 1);
  const { code: other, stderr } = await tryRun(join(BIN, 'mvas-criu-probe'), ['check']);
  t.is(other, 1);
  t.regex(stderr, /this is not CRIU/);
});
