// SPDX-License-Identifier: Apache-2.0
import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { startChild, type Program } from '../../../src/native/children.js';
import { call, SYS } from '../../../src/native/sys.js';
import { O } from '../../../src/native/abi/index.js';

const STREAMS = [null, null, null];

/** A shell that runs a script. */
function sh(script: string, rest: Partial<Program> = {}): Program {
  return { file: 'sh', args: ['-c', script], env: process.env, fds: STREAMS, ...rest };
}

/** A pipe's read end and write end, which close on exec. */
function pipe(): [number, number] {
  const pair = Buffer.alloc(8);
  call('make a pipe', SYS.pipe2, pair, O.cloexec);
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** What a script writes to its stdout. */
async function output(script: string, rest: Partial<Program> = {}): Promise<string> {
  const [reader, writer] = pipe();
  const child = startChild(sh(script, { fds: [null, writer, null], ...rest }));
  closeSync(writer);
  await child.ended;
  const text = readFileSync(reader, 'utf8');
  closeSync(reader);
  return text.trim();
}

test('the status is what a shell would say', async (t) => {
  t.is(await startChild(sh('exit 0')).ended, 0);
  t.is(await startChild(sh('exit 3')).ended, 3);
  t.is(await startChild(sh('kill -9 $$')).ended, 137);
});

test('many at once: each has its own status', async (t) => {
  const wanted = Array.from({ length: 40 }, (_, index) => index);
  const children = wanted.map((status) => startChild(sh(`exit ${String(status)}`)));
  t.deepEqual(await Promise.all(children.map(({ ended }) => ended)), wanted);
});

test('a program that is not there', (t) => {
  const error = t.throws(() => startChild({ ...sh(''), file: 'no-such-program' }));
  t.is(error.message, 'spawn no-such-program: ENOENT');
});

test('it has the environment given, and no other', async (t) => {
  t.is(await output('echo "$A,$B,$HOME"', { env: { A: '1', B: 'x=y', PATH: '/bin' } }), '1,x=y,');
});

test('descriptors change places', async (t) => {
  const [first, second] = [pipe(), pipe()];
  const fds = [null, null, null, second[1], first[1]];
  const child = startChild(sh('echo one >&4; echo two >&3', { fds }));
  for (const [, writer] of [first, second]) closeSync(writer);
  t.is(await child.ended, 0);
  t.is(readFileSync(first[0], 'utf8'), 'one\n');
  t.is(readFileSync(second[0], 'utf8'), 'two\n');
  for (const [reader] of [first, second]) closeSync(reader);
});

test('it does not inherit what closes on exec', async (t) => {
  const ends = pipe();
  const open = (await output('ls /proc/$$/fd')).split('\n').map(Number);
  t.deepEqual(open.slice(0, 3), [0, 1, 2]);
  t.deepEqual(
    ends.filter((fd) => open.includes(fd)),
    [],
  );
  for (const fd of ends) closeSync(fd);
});

test('no standard signal is blocked or ignored', async (t) => {
  // Node ignores SIGPIPE.
  const masks = await output('exec grep -E "^Sig(Blk|Ign):" /proc/self/status');
  const standard = masks.split('\n').map((line) => BigInt(`0x${line.split('\t')[1] ?? ''}`));
  t.deepEqual(
    standard.map((mask) => mask & 0x7fffffffn),
    [0n, 0n],
  );
});

test('an abort kills it, before or after its start', async (t) => {
  const later = new AbortController();
  const child = startChild(sh('exec sleep 1000', { signal: later.signal }));
  later.abort();
  t.is(await child.ended, 137);
  t.is(await startChild(sh('exec sleep 1000', { signal: AbortSignal.abort() })).ended, 137);
});

test('a daemon leads a session, in the root directory', async (t) => {
  const child = startChild(sh('exec sleep 1000', { isDaemon: true }));
  const fields = readFileSync(`/proc/${String(child.pid)}/stat`, 'utf8').split(' ');
  t.is(Number(fields[5]), child.pid);
  t.is(readlinkSync(`/proc/${String(child.pid)}/cwd`), '/');
  const waiting = setInterval(() => undefined, 1_000); // It would let this program end.
  process.kill(child.pid, 'SIGTERM');
  t.is(await child.ended, 143);
  clearInterval(waiting);
});
