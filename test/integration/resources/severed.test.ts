// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ownPid } from '../../../src/common/ids.js';
import type { FileEntry, InetSkEntry } from '../../../src/criu/image/types.js';
import { findSevered, judgeEnding } from '../../../src/criu/resources/files/index.js';
import { NO_OWNER, sampleImage } from '../../../src/criu/restore/rehearsal/sample-image.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { mvasEngine, runCommand } from '../../helpers/targets-engine.js';
import { TargetRun } from '../../helpers/targets-run.js';
import { readTargets } from '../../helpers/targets.js';

type ValidConnections = Parameters<typeof judgeEnding>[0];

const TARGETS = join(REPOSITORY, 'test/targets');
const LOCAL = 0x0100007f;
/** 192.0.2.1, which belongs to nobody (RFC 5737). */
const NOBODY = 0x010200c0;

test.before('build the targets', () => {
  execFileSync('make', ['-s', '-C', TARGETS], { stdio: 'inherit' });
});

/** Both ends of a connection between two ports of an address: files 1 and 2. */
function connectionOf(address: number, client: number, server: number): ValidConnections {
  const opts = sampleImage().files.find(({ usk }) => usk)?.usk?.opts;
  if (!opts) throw new TypeError('the sample has a socket');
  const end = (id: number, src_port: number, dst_port: number): FileEntry => {
    const isk: InetSkEntry = {
      ...{ id, ino: id, family: 2, type: 1, proto: 6, state: 1, flags: 2, backlog: 0 },
      ...{ src_port, dst_port, src_addr: [address], dst_addr: [address] },
      ...{ fown: NO_OWNER, opts, mvas_memberships: [], mvas_keys: [] },
    };
    return { type: 'INETSK', id, isk };
  };
  const stream = (mvas_peer: number) => ({
    entry: {
      ...{ inq_len: 0, inq_seq: 0, outq_len: 0, outq_seq: 0 },
      ...{ opt_mask: 7, snd_wscale: 7, mss_clamp: 1460, mvas_peer },
    },
    payload: new Uint8Array(0),
  });
  const tcpStreams = new Map([1, 2].map((id) => [id, stream(3 - id)]));
  return {
    files: [end(1, client, server), end(2, server, client)],
    tcpStreams,
  } as unknown as ValidConnections;
}

/** A connection of this process; both ends end with the test. */
async function connected(t: ExecutionContext): Promise<{ client: number; server: number }> {
  const listener = createServer().listen(0, '127.0.0.1');
  t.teardown(() => listener.close());
  await once(listener, 'listening');
  const server = (listener.address() as AddressInfo).port;
  const socket = connect(server, '127.0.0.1');
  const [accepted] = (await once(listener, 'connection')) as [Socket];
  t.teardown(() => accepted.destroy());
  t.teardown(() => socket.destroy());
  const client = accepted.remotePort;
  t.truthy(client);
  return { client: client ?? 0, server };
}

test('a connection can be made again unless it is still there, or its address is not', async (t) => {
  const { client, server } = await connected(t);
  const severed = (address: number, from: number): number[] => [
    ...findSevered(connectionOf(address, from, server), ownPid()),
  ];
  t.deepEqual(severed(LOCAL, client), [1, 2]);
  t.deepEqual(severed(NOBODY, client), [1, 2]);
  t.deepEqual(severed(LOCAL, 1), []);
  t.deepEqual(severed(LOCAL, 1), [], 'it left nothing behind');
});

test('what ends is counted, or refused', (t) => {
  const image = connectionOf(NOBODY, 1, 80);
  t.is(judgeEnding(image, { mode: 'refuse', severed: new Set() }), 0);
  t.is(judgeEnding(image, { mode: 'close', severed: new Set([1, 2]) }), 2);
  t.throws(() => judgeEnding(image, { mode: 'refuse', severed: new Set([1, 2]) }), {
    message: /192\.0\.2\.1:1 to 192\.0\.2\.1:80, and 1 more would end .*remedy: restore it with/,
  });
});

test('a clone in the network namespace of its original loses what the original has', async (t) => {
  const target = readTargets(TARGETS).find(({ name }) => name === 'tcp_address_gone');
  if (!target) throw new TypeError('the target is missing');
  const engine = mvasEngine(REPOSITORY);
  const run = new TargetRun(target, engine, join(TARGETS, 'build', target.name));
  t.teardown(() => run.close(false));
  t.is(await run.start(), 'READY');
  const { imagePath, result } = await run.checkpoint(true);
  t.is(result.status, 0, result.stderr);

  const id = `${run.place.id}-clone`;
  const clone = { ...run.place, id, bundle: join(run.folder, 'clone') };
  makeClone(run.place.bundle, clone.bundle, await run.initPid());
  const said = join(run.folder, 'said');
  const output = openSync(said, 'w');
  const { status } = await engine.restore(clone, imagePath, output);
  closeSync(output);
  await runCommand(['runc', '--root', clone.runcRoot, 'delete', '--force', id]);
  t.is(status, 0, readFileSync(said, 'utf8'));
  t.is(await run.go(), 'PASS', 'the original has lost nothing');
});

/** The bundle of a container whose network namespace is that of a process. */
function makeClone(bundle: string, clone: string, pid: number): void {
  cpSync(bundle, clone, { recursive: true });
  const file = join(clone, 'config.json');
  const spec = JSON.parse(readFileSync(file, 'utf8')) as { linux: Record<string, unknown> };
  const others = ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type }));
  const network = { type: 'network', path: `/proc/${String(pid)}/ns/net` };
  spec.linux['namespaces'] = [...others, network];
  spec.linux['cgroupsPath'] = `${String(spec.linux['cgroupsPath'])}-clone`;
  writeFileSync(file, JSON.stringify(spec));
}
