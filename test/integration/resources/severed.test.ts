// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ownPid } from '../../../src/common/ids.js';
import type { FileEntry, InetSkEntry } from '../../../src/criu/image/types.js';
import { findSevered, judgeEnding } from '../../../src/criu/resources/files/index.js';
import { NO_OWNER, sampleImage } from '../../../src/criu/restore/rehearsal/sample-image.js';

type ValidConnections = Parameters<typeof judgeEnding>[0];

const LOCAL = 0x0100007f;
/** 192.0.2.1, which is nobody's (RFC 5737). */
const NOBODY = 0x010200c0;

/** Both ends of a connection between two ports of an address: files 1 and 2. */
function connectionOf(address: number, client: number, server: number): ValidConnections {
  const opts = sampleImage().files.find(({ usk }) => usk)?.usk?.opts;
  if (!opts) throw new TypeError('the sample has a socket');
  const end = (id: number, src_port: number, dst_port: number): FileEntry => {
    const isk: InetSkEntry = {
      ...{ id, ino: id, family: 2, type: 1, proto: 6, state: 1, flags: 2, backlog: 0 },
      ...{ src_port, dst_port, src_addr: [address], dst_addr: [address] },
      ...{ fown: NO_OWNER, opts, mvas_memberships: [] },
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
  t.is(judgeEnding(image, new Set(), 'refuse'), 0);
  t.is(judgeEnding(image, new Set([1, 2]), 'close'), 2);
  t.throws(() => judgeEnding(image, new Set([1, 2]), 'refuse'), {
    message: /192\.0\.2\.1:1 to 192\.0\.2\.1:80, and 1 more would end .*remedy: restore it with/,
  });
});
