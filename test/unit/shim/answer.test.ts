// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startAnswer, type Protocol } from '../../../src/shim/answer.js';
import { socketOf } from '../../../src/shim/socket.js';

const SOCKET = '/run/containerd/s/abc';
const PLAIN = `unix://${SOCKET}`;
const SINCE_1_7 = { MAX_SHIM_VERSION: '2' };
const json = (version: number, address: string, protocol: string): string =>
  JSON.stringify({ version, address, protocol });

/** An executable that says it is this version of containerd. */
function containerd(t: ExecutionContext, version: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-answer-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const path = join(directory, 'containerd');
  const line = `containerd github.com/containerd/containerd/v2 ${version} ${version}-5`;
  writeFileSync(path, `#!/bin/sh\necho '${line}'\n`, { mode: 0o755 });
  return path;
}

/** The answer to a containerd before 2.3, which does not say its version. */
function answer(
  publishBinary: string,
  protocol: string,
  env: NodeJS.ProcessEnv = SINCE_1_7,
): string {
  const spec = { annotations: { 'mvas.protocol': protocol } };
  return startAnswer(SOCKET, { args: { publishBinary }, spec, env, containerdVersion: '' });
}

test('unless asked otherwise the answer is an address, which any containerd takes', (t) => {
  const asker = { args: { publishBinary: '/nonexistent' }, spec: {}, containerdVersion: '2.3.1' };
  t.is(startAnswer(SOCKET, { ...asker, env: SINCE_1_7 }), PLAIN);
  t.is(startAnswer(SOCKET, { ...asker, env: {} }), PLAIN);
});

test('containerd 1.6 gets an address, whatever is asked', (t) => {
  t.is(answer('/nonexistent', 'grpc', {}), PLAIN);
});

const asked = test.macro((t: ExecutionContext, version: string, want: Protocol, is: string) => {
  t.is(answer(containerd(t, version), want), is);
});
test(
  'containerd 1.7 speaks gRPC by version 2',
  asked,
  '1.7.24~ds1',
  'grpc',
  json(2, SOCKET, 'grpc'),
);
test('containerd 1.7 knows no version 3 of ttrpc', asked, '1.7.24~ds1', 'ttrpc-v3', PLAIN);
test('containerd 2 is spared gRPC', asked, '2.1.9+ds1', 'grpc', json(3, PLAIN, 'ttrpc'));
test('containerd 2 speaks ttrpc, version 3', asked, 'v2.2.0', 'ttrpc-v3', json(3, PLAIN, 'ttrpc'));
test('containerd 2 is asked for version 2', asked, '2.1.9', 'ttrpc', PLAIN);

test('the environment asks for all containers, an annotation for one', (t) => {
  const args = { publishBinary: '/nonexistent' };
  const env = { ...SINCE_1_7, MVAS_PROTOCOL: 'grpc' };
  const asker = { args, env, containerdVersion: 'v2.3.0' };
  t.is(startAnswer(SOCKET, { ...asker, spec: {} }), json(3, PLAIN, 'ttrpc'));
  const spec = { annotations: { 'mvas.protocol': 'ttrpc' } };
  t.is(startAnswer(SOCKET, { ...asker, spec }), PLAIN);
});

test('a containerd that cannot be asked counts as the oldest that takes JSON', (t) => {
  t.is(answer('/nonexistent', 'grpc'), json(2, SOCKET, 'grpc'));
});

test('a protocol there is not is refused with its name', (t) => {
  t.throws(() => answer('/nonexistent', 'http'), { message: /"http" is none of ttrpc, / });
});

test('the socket is found again in any answer', (t) => {
  for (const text of [PLAIN, SOCKET, json(2, SOCKET, 'grpc'), json(3, PLAIN, 'ttrpc')]) {
    t.is(socketOf(text), SOCKET);
  }
  for (const text of ['', '{', '{}', '{"address":1}']) t.is(socketOf(text), '');
});
